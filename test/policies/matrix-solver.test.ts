/** The solver, case by case: what llama-swap's own tests of its matrix pin down, and what must not take long. */
import { describe, expect, it } from 'vitest';
import { decideOnce, groupsJoined } from '../../bench/planners-matrix.ts';
import { modelId } from '../../src/core/ids.ts';
import { compileMatrix } from '../../src/policies/matrix-compile.ts';
import { matrixSolver, newEffort } from '../../src/policies/matrix-solve.ts';
import { matrixOf } from './matrix-scene.ts';

function solve(
  sets: Record<string, string>,
  target: string,
  running: string[],
  { costs = {}, held = [], prefer = [] }: { costs?: Record<string, number>; held?: string[]; prefer?: string[] } = {},
) {
  const solver = matrixSolver(compileMatrix(matrixOf(sets)), (id) => costs[id] ?? 1);
  const effort = newEffort();
  const question = { target: modelId(target), running: running.map(modelId), prefer: new Set(prefer.map(modelId)) };
  const { set, evict } = solver.best(question, new Set(held.map(modelId)), effort);
  return { set: set?.name ?? null, evict, effort };
}

const range = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i));
const groups = (count: number, size: number) =>
  range(count, (g) => `(${range(size, (i) => `g${g}m${i}`).join(' | ')})`).join(' & ');

describe('the matrix solver (spec 2.7)', () => {
  it.each([
    ['keeps what a common set holds', { s: 'a & b' }, 'a', ['b'], 's', []],
    ['evicts what has no common set', { s: 'a | b' }, 'a', ['b'], 's', ['b']],
    ['permits every part of a set', { s: 'a & b & c & d' }, 'a', ['c'], 's', []],
    ['reads & before |', { s: 'a & b | c' }, 'c', ['a', 'b'], 's', ['a', 'b']],
    ['reads brackets first', { s: 'a & (b | c)' }, 'c', ['a', 'b'], 's', ['b']],
    ['combines every choice with every other', { s: '(a | b) & (c | d)' }, 'b', ['a', 'c', 'd'], 's', ['a', 'd']],
    ['takes a model that stands twice once', { s: 'a & a & (a | b)' }, 'a', ['b'], 's', []],
    ['follows references', { s: '+t & c', t: 'a | b' }, 'c', ['a', 'b'], 's', ['b']],
    ['lets each use of a reference choose for itself', { s: '+t & +t', t: 'a | b' }, 'a', ['b'], 's', []],
    ['runs a model of no set alone', { s: 'a & b' }, 'x', ['a', 'b'], null, ['a', 'b']],
    ['lets every model of a set evict one of none', { s: 'a & b' }, 'a', ['x', 'b'], 's', ['x']],
    ['has nothing to evict when nothing runs', { s: 'a | b' }, 'a', [], 's', []],
    ['passes over a choice that another one holds whole', { s: 'a | a & b' }, 'a', ['b'], 's', []],
  ] satisfies [string, Record<string, string>, string, string[], string | null, string[]][])(
    '%s',
    (_rule, sets, target, running, set, evict) => {
      expect(solve(sets, target, running)).toMatchObject({ set, evict });
    },
  );

  it.each([
    ['keeps the expensive one', { s: 'a & b', t: 'a & c' }, { b: 10 }, ['b', 'c'], 's', ['c']],
    ['wherever its set stands', { s: 'a & b', t: 'a & c' }, { c: 10 }, ['b', 'c'], 't', ['b']],
    ['adds costs up', { s: 'a & b', t: 'a & c & d' }, { b: 3, c: 2, d: 2 }, ['b', 'c', 'd'], 't', ['b']],
    ['counts 1 for what has no cost', { s: 'a & b', t: 'a & c & d' }, { b: 2 }, ['b', 'c', 'd'], 's', ['c', 'd']],
    [
      'counts a model once, however often it stands',
      { s: 'a & b & b & b', t: 'a & c' },
      { c: 2 },
      ['b', 'c'],
      't',
      ['b'],
    ],
    [
      'costs beyond the exact numbers',
      { s: 'a & b', t: 'a & c' },
      { b: 2 ** 53 - 2, c: 2 ** 53 - 1 },
      ['b', 'c'],
      't',
      ['b'],
    ],
  ] satisfies [string, Record<string, string>, Record<string, number>, string[], string, string[]][])(
    'of several ways takes the cheapest: %s',
    (_rule, sets, costs, running, set, evict) => {
      expect(solve(sets, 'a', running, { costs })).toMatchObject({ set, evict });
    },
  );

  it.each([
    ['the set that is defined first', { z: 'a & b', y: 'a & c' }, 'z', ['c']],
    ['but a set that is referred to comes before the one that does', { z: 'a & b | +y & d', y: 'a & c' }, 'y', ['b']],
    ['the first of choices', { s: 'a & c | a & b' }, 's', ['b']],
    ['the first choice of the first factor before all others', { s: '(a | b) & (a | c)' }, 's', ['b']],
    ['though a smaller choice that ties stands before', { s: '(b | a) & (c | a)' }, 's', ['c']],
  ] satisfies [string, Record<string, string>, string, string[]][])(
    'among equals takes %s',
    (_rule, sets, set, evict) => {
      expect(solve(sets, 'a', ['b', 'c'])).toMatchObject({ set, evict });
    },
  );

  it('does not drop a choice for a larger one that comes later, because it has the earlier turn', () => {
    // (x) & y, (z) & y and (x & y) & y keep two each; the first and the last are the same, so the first decides
    expect(solve({ s: '(x | z | x & y) & y & t' }, 't', ['x', 'y', 'z']).evict).toEqual(['z']);
    expect(solve({ s: '(z | x | x & y) & y & t' }, 't', ['x', 'y', 'z']).evict).toEqual(['x']);
  });

  it('keeps what is held before it looks at costs, as many as it can', () => {
    const sets = { s: 'a & b', t: 'a & c & d' };
    expect(solve(sets, 'a', ['b', 'c', 'd'], { held: ['b'] }).evict).toEqual(['c', 'd']);
    expect(solve(sets, 'a', ['b', 'c', 'd'], { held: ['b', 'c', 'd'], costs: { b: 100 } }).evict).toEqual(['b']);
  });

  it('evicts what is preferred first, and no more for that', () => {
    const sets = { s: 'a & b', t: 'a & c', u: 'a & b & d' };
    expect(solve(sets, 'a', ['b', 'c'], { prefer: ['b'], costs: { b: 100 } }).evict).toEqual(['b']);
    expect(solve(sets, 'a', ['b', 'd'], { prefer: ['b', 'd'] }).evict).toEqual([]);
  });
});

describe('the effort of the matrix solver', () => {
  it('for ten groups of ten alternatives is a joined choice each: 10^10 sets are never written out', () => {
    const running = range(10, (g) => `g${g}m3`).concat(range(10, (g) => `g${g}m7`));
    const { evict, effort } = solve({ s: groups(10, 10) }, 'g0m5', running);
    expect(evict).toEqual(['g0m3', 'g0m7', ...range(9, (g) => `g${g + 1}m7`)]);
    expect(effort).toMatchObject({ spent: 10, exact: true });
  });

  it('is the same for ten groups of three, of ten and of twenty', () => {
    const running = (size: number) => range(10, (g) => `g${g}m0`).concat(range(10, (g) => `g${g}m${size - 1}`));
    const spent = (size: number) => solve({ s: groups(10, size) }, 'g0m1', running(size)).effort.spent;
    expect([spent(10), spent(20)]).toEqual([spent(3), spent(3)]);
  });

  it('is far below 10 MB for ten groups of ten, from the expression to the answer', () => {
    // The most of many tries: a collection of garbage on the way may hide some of one, not of all.
    const costs = Array.from({ length: 50 }, () => decideOnce(groupsJoined(10, 10)));
    expect(Math.max(...costs.map((cost) => cost.bytes))).toBeLessThan(5 * 1024 ** 2);
    expect(costs.every((cost) => cost.evicted === 11)).toBe(true);
  });

  it('is small for ten times the same ten, nine of which run', () => {
    const ten = range(10, (i) => `m${i}`);
    const running = ten.filter((id) => id !== 'm5');
    const { evict, effort } = solve({ s: range(10, () => `(${ten.join(' | ')})`).join(' & ') }, 'm5', running);
    expect(evict).toEqual([]);
    expect(effort.exact).toBe(true);
    expect(effort.spent).toBeLessThan(1_000);
  });

  it('does not grow with references that are used again and again', () => {
    const sets = Object.fromEntries(
      range(40, (i) => (i === 0 ? 'a | b | c' : `+s${i - 1} & +s${i - 1}`)).map((text, i) => [`s${i}`, text]),
    );
    const { evict, effort } = solve(sets, 'a', ['b', 'c']);
    expect(evict).toEqual([]);
    expect(effort.spent).toBeLessThan(200);
  });

  it('is one joined choice for each of 200 models that run together', () => {
    const ids = range(200, (i) => `m${i}`);
    const { evict, effort } = solve({ s: ids.join(' & ') }, 'm100', [...ids.filter((id) => id !== 'm100'), 'x']);
    expect(evict).toEqual(['x']);
    expect(effort).toMatchObject({ spent: 200, exact: true });
  });

  it('is exact for chains of choices among more than 64 running models', () => {
    const ids = range(80, (i) => `m${i}`);
    const chain = range(79, (i) => `(m${i} | m${i + 1})`).join(' & ');
    const { evict, effort } = solve({ s: chain }, 'm0', ids.slice(1));
    // 79 choices of 80 models: one leaves; reading order takes the first of each bracket, so it is the last
    expect(evict).toEqual(['m79']);
    expect(effort.exact).toBe(true);
  });
});

describe('compileMatrix()', () => {
  it.each([
    ['nowhere', { s: 'a | +t' }, 'read matrix set "t": expected a set of the matrix, got none'],
    [
      'in a circle',
      { s: 'a | +t', t: '+s' },
      'read matrix set "s": expected a set of the matrix, got one that leads back to itself',
    ],
  ])('throws on a reference that leads %s', (_where, sets, message) => {
    expect(() => compileMatrix(matrixOf(sets))).toThrow(message);
  });

  it('puts a set behind those that it refers to, and else keeps the order of the file', () => {
    const sets = { d: 'a', c: '+a & +b', a: 'a | +b', b: 'b', e: 'e' };
    expect(compileMatrix(matrixOf(sets)).sets.map(({ name }) => name)).toEqual(['d', 'b', 'a', 'c', 'e']);
  });
});
