/** The matrix planner: what it answers to a view, and in which words. */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { type Hints, NO_HINTS } from '../../src/core/plan.ts';
import { matrixPlanner } from '../../src/policies/matrix.ts';
import { matrixOf, matrixSettings, type Scene, viewOf } from './matrix-scene.ts';

type Sets = Record<string, string>;

function ask(
  sets: Sets,
  scene: Scene,
  { costs = {}, hints = {} }: { costs?: Record<string, number>; hints?: Partial<Hints> } = {},
) {
  const planner = matrixPlanner(matrixSettings(matrixOf(sets, costs)));
  const view = viewOf(scene);
  const asked = { ...NO_HINTS, ...hints };
  const candidates = planner.candidates(view, asked);
  return { candidates, verdict: planner.plan({ ...view, candidates }, asked) };
}

const pinnedBy = (owner: string, until: number | null = null) => ({ pinned: { owner, until } });

describe('the matrix planner', () => {
  it('answers with the cheapest set, its text, who stays, who leaves and at which cost', () => {
    const sets = { work: 'a & (b |\n  c)', other: 'a & d' };
    const { verdict } = ask(sets, { target: 'a', alive: ['b', 'c', 'd'] }, { costs: { b: 5, c: 7, d: 2 } });
    expect(verdict).toMatchObject({
      action: 'swap',
      evict: ['b', 'd'],
      reason: 'set "work" (a & (b | c)) holds a beside c, so b and d must leave (evict cost 7)',
    });
  });

  it.each([
    ['nothing runs', ['a'], [], 'nothing stands in the way of a'],
    ['all may stay', ['a'], ['b'], 'set "s" (a & b | c) holds a beside b'],
    ['nothing may stay', ['c'], ['b'], 'set "s" (a & b | c) holds c, so b must leave (evict cost 1)'],
    ['no set holds it', ['x'], ['b'], 'no set of the matrix holds x, so it runs alone: b must leave (evict cost 1)'],
  ])('says so when %s', (_when, [target = ''], alive, reason) => {
    expect(ask({ s: 'a & b | c' }, { target, alive }).verdict).toMatchObject({ action: 'swap', reason });
  });

  it('cuts expression and names so that the sentence fits', () => {
    const long = Array.from({ length: 90 }, (_, i) => `model-${i}`);
    const sets = { ['set'.repeat(30)]: `${long.join(' | ')} | a & ${'b'.repeat(120)}` };
    const { verdict } = ask(sets, { target: 'a', alive: [...long, 'b'.repeat(120)] });
    expect(verdict.reason.length).toBeLessThanOrEqual(LIMITS.reasonCharsMax);
    expect(verdict.reason).toMatch(
      /^set "set.*…" \(model-0 \| model-1 .*…\) holds a beside b+…, so model-0, .* and 84 more must leave/,
    );
  });

  it('tells the ways that it did not take, with what they would have cost in loading', () => {
    const load = (median: number | null) => ({ loadMs: { last: median, median } });
    const { verdict } = ask(
      { s: 'a & b', t: 'a & c', u: 'a' },
      { target: 'a', alive: { b: load(4_000), c: load(null) } },
      { costs: { b: 3 } },
    );
    expect(verdict).toMatchObject({
      evict: ['c'],
      alternatives: [
        { evict: ['b'], costMs: 4_000, reason: 'set "t" (a & c) holds a beside c, so b must leave (evict cost 3)' },
        { evict: ['b', 'c'], costMs: 4_000 + LIMITS.loadUnknownMs },
      ],
    });
  });

  it('finds the other ways of one set too: the best that keep what leaves in the best', () => {
    const { candidates } = ask(
      { s: 'a & (b | c | d)' },
      { target: 'a', alive: ['b', 'c', 'd'] },
      { costs: { b: 3, c: 2 } },
    );
    expect(candidates.map(({ evict }) => evict)).toEqual([
      ['c', 'd'],
      ['b', 'd'],
      ['b', 'c'],
    ]);
  });

  it('names each set of victims once, at most as many as a view takes, the cheapest first', () => {
    const many = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const sets = Object.fromEntries(many.map((id) => [`s-${id}`, `a & ${id} | a & ${id}`]));
    const costs = Object.fromEntries(many.map((id, i) => [id, i + 1]));
    const { candidates, verdict } = ask(sets, { target: 'a', alive: many }, { costs });
    expect(candidates).toHaveLength(LIMITS.candidatesMax);
    expect(candidates.map(({ evict }) => many.find((id) => !evict.includes(modelId(id))))).toEqual(
      many.slice(-LIMITS.candidatesMax).reverse(),
    );
    expect(verdict).toMatchObject({ action: 'swap', evict: candidates[0]?.evict });
    expect('alternatives' in verdict && verdict.alternatives).toHaveLength(LIMITS.alternativesMax);
  });

  it('needs no set for the models that left the configuration: they always leave', () => {
    expect(ask({ s: 'a & b' }, { target: 'a', alive: ['b', 'gone'] }).verdict).toMatchObject({ evict: ['gone'] });
  });

  it('runs every model alone when there is no matrix', () => {
    const planner = matrixPlanner({ ...matrixSettings(matrixOf({ s: 'a & b' })), matrix: null });
    expect(planner.requires(modelId('a'), [modelId('b')])).toEqual(['b']);
  });

  it('lets a target that runs already evict nobody (spec 4.10)', () => {
    const planner = matrixPlanner(matrixSettings(matrixOf({ s: 'a | b' })));
    expect(planner.evictsWhenReady).toBe(false);
    expect(planner.requires(modelId('a'), [modelId('a'), modelId('b')])).toEqual([]);
  });
});

describe('models that may not leave, under a matrix', () => {
  const sets = { s: 'a & b', t: 'a & c' };

  it.each([
    ['pinned', { b: pinnedBy('ops') }],
    ['protected', { b: { protected: true } }],
  ])('%s: the cheapest set that keeps them is taken, whatever it costs', (_why, alive) => {
    const { verdict, candidates } = ask(sets, { target: 'a', alive: { ...alive, c: {} } }, { costs: { c: 9 } });
    expect(verdict).toMatchObject({ action: 'swap', evict: ['c'] });
    expect(candidates).toHaveLength(1);
  });

  it('in the way of every set: the request waits for the pin, and the reason names it', () => {
    const scene = { target: 'a', alive: { b: pinnedBy('anna'), c: pinnedBy('ops', 1_000_000 + 3_600_000) } };
    expect(ask(sets, scene).verdict).toMatchObject({
      action: 'wait',
      on: 'pin',
      reason: 'a cannot be loaded beside what is there, but c is pinned by ops for another 1 h',
    });
  });

  it('in the way of every set: the request is refused where the configuration says so', () => {
    const scene: Scene = {
      target: 'x',
      alive: { b: pinnedBy('ops', 1_000_000 + 60_000) },
      view: { whenProtected: 'refuse' },
    };
    expect(ask(sets, scene).verdict).toMatchObject({ action: 'reject', status: 503, retryAfterSec: 60 });
  });

  it('because whoever delegates says so: kept where a set keeps them, else waited for', () => {
    const hints = { protect: [modelId('c')] };
    expect(ask(sets, { target: 'a', alive: ['b', 'c'] }, { hints }).verdict).toMatchObject({ evict: ['b'] });
    const { verdict } = ask(sets, { target: 'b', alive: ['c'] }, { hints });
    expect(verdict).toEqual({ action: 'wait', reason: expect.stringContaining('c') });
  });

  it('preferred ones leave first', () => {
    const hints = { prefer: [modelId('b')] };
    expect(ask(sets, { target: 'a', alive: ['b', 'c'] }, { hints, costs: { b: 9 } }).verdict).toMatchObject({
      evict: ['b'],
    });
  });

  it('of a swap under way: the set that keeps them, else that swap comes first', () => {
    const swaps = [{ target: 'b', evict: [] }];
    expect(ask(sets, { target: 'a', alive: ['c'], swaps }, { costs: { c: 9 } }).verdict).toMatchObject({
      evict: ['c'],
    });
    expect(ask(sets, { target: 'c', swaps })).toMatchObject({
      candidates: [],
      verdict: { action: 'wait', reason: 'the swap to b comes first' },
    });
  });

  it('because they leave for another target: that swap comes first', () => {
    const going = { phase: 'stopping' as const };
    const swaps = [{ target: 'b', evict: ['x'] }];
    expect(ask({ s: 'a & b' }, { target: 'a', alive: { x: going }, swaps }).verdict).toEqual({
      action: 'wait',
      reason: 'the swap to b comes first',
    });
  });

  it('the target itself, when another swap evicts it: that swap comes first', () => {
    const swaps = [{ target: 'b', evict: ['a'] }];
    expect(ask({ s: 'a | b' }, { target: 'a', alive: { a: { phase: 'stopping' } }, swaps })).toMatchObject({
      candidates: [],
      verdict: { action: 'wait', reason: 'the swap to b comes first' },
    });
  });

  it('but are stopping: their end is waited for', () => {
    const alive = { b: { phase: 'stopping' as const, protected: true } };
    expect(ask({ s: 'a | b' }, { target: 'a', alive }).verdict).toEqual({
      action: 'wait',
      reason: 'b must be gone first',
    });
    expect(ask({ s: 'a | b' }, { target: 'a', alive: { b: { phase: 'stopping' } } }).verdict).toMatchObject({
      evict: ['b'],
    });
  });
});
