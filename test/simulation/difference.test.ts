import { expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import type { State } from '../../src/core/state.ts';
import { firstDifference } from './difference.ts';

const PLACES: [string, unknown, unknown, string | null][] = [
  ['equal trees', { a: [1, { b: null }] }, { a: [1, { b: null }] }, null],
  ['a field that is undefined and one that is absent', { a: 1, b: undefined }, { a: 1 }, null],
  ['an absent field and one that is undefined', { a: 1 }, { b: undefined, a: 1 }, null],
  ['a value', { a: { b: [0, 1] } }, { a: { b: [0, 2] } }, 'a.b.1'],
  ['a field too many', { a: 1 }, { a: 1, c: 2 }, 'c'],
  ['fields in another order', { a: 1, b: 2 }, { b: 2, a: 1 }, 'a'],
  ['null and an object', { a: null }, { a: {} }, 'a'],
  ['entries of a map', { m: new Map([['x', { y: 1 }]]) }, { m: new Map([['x', { y: 2 }]]) }, 'm.x.y'],
  ['a map in another order', new Map([['x', 1], ['y', 2]]), new Map([['y', 2], ['x', 1]]), '(x in the place of y)'], // biome-ignore format: pairs
  ['a map that is larger', { m: new Map() }, { m: new Map([['x', 1]]) }, 'm.(size)'],
  ['a set in another order', { s: new Set([1, 2]) }, { s: new Set([2, 1]) }, 's'],
  ['a set and an array', { s: new Set([1]) }, { s: [1] }, 's'],
  ['an array that is longer', { a: [1] }, { a: [1, 2] }, 'a.(length)'],
];

it.each(PLACES)('firstDifference() of %s', (_what, a, b, where) => {
  expect(firstDifference(a, b)).toBe(where);
});

/** Trees of everything that a state is made of, often nearly the same. */
function treeOf(random: ReturnType<typeof seededRandom>, depth: number): unknown {
  const many = () => Array.from({ length: random.int(0, 3) }, () => treeOf(random, depth - 1));
  const keys = ['a', 'b', 'c'].filter(() => random.chance(0.6));
  switch (depth === 0 ? random.int(0, 2) : random.int(0, 6)) {
    case 0:
      return random.int(0, 1);
    case 1:
      return random.pick(['x', 'y']);
    case 2:
      return random.pick([null, true, undefined]);
    case 3:
      return many();
    case 4:
      return new Map(keys.map((key) => [key, treeOf(random, depth - 1)]));
    case 5:
      return new Set(keys);
    default:
      return Object.fromEntries(keys.map((key) => [key, treeOf(random, depth - 1)]));
  }
}

it('firstDifference() finds one exactly where canonical() does', () => {
  let equal = 0;
  for (let seed = 1; seed <= 20_000; seed++) {
    const random = seededRandom(seed);
    const a = { tree: treeOf(random, 2) };
    const b = { tree: random.chance(0.2) ? structuredClone(a.tree) : treeOf(random, 2) };
    const same = canonical(a as unknown as State) === canonical(b as unknown as State);
    if (same) equal++;
    expect(firstDifference(a, b) === null, `seed ${seed}`).toBe(same);
  }
  expect(equal).toBeGreaterThan(1_000);
});
