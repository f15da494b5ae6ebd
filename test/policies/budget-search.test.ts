/** The choice itself, against going through all sets: legal, minimal, and none cheaper. Seeds are printed by fast-check. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Hints } from '../../src/core/plan.ts';
import type { ModelView, View } from '../../src/core/view.ts';
import { evictionCostMs } from '../../src/policies/budget-cost.ts';
import type { Tenant } from '../../src/policies/budget-room.ts';
import { cheapestSets } from '../../src/policies/budget-search.ts';
import { byId, idsOf, scenes } from './budget-scenes.ts';
import { ask, type ModelSpec, type Scene, stage } from './budget-view.ts';

/** Whether a planner may evict it at all, told anew from the rules: 0 idle, 1 busy, 2 wanted by a drain, null = never. */
function ease(view: View, hints: Hints, one: ModelView): number | null {
  if (one.evictable !== true && one.evictable.rule === 'swap') return null;
  if (one.pinned !== null || one.protected || hints.protect.includes(one.id)) return null;
  if (one.phase === 'stopping') return 0;
  if (view.draining !== null && [view.draining.target, ...view.draining.evict].includes(one.id)) return 2;
  return one.evictable === true ? 0 : 1;
}

/** All minimal legal sets, cheapest first, by going through every set. */
function bruteForce(scene: Scene): { evict: ModelId[]; key: number[] }[] {
  const { planner, view, hints, settings } = stage(scene);
  const alive = idsOf(view);
  const free = alive.filter((id) => ease(view, hints, byId(view, id)) !== null);
  const legal = (evict: ModelId[]) =>
    planner.requires(
      view.target,
      alive.filter((id) => !evict.includes(id)),
    ).length === 0;
  const sets: { evict: ModelId[]; key: number[] }[] = [];
  for (let bits = 0; bits < 1 << free.length; bits++) {
    const evict = free.filter((_id, i) => (bits >> i) & 1);
    if (!legal(evict) || evict.some((id) => legal(evict.filter((other) => other !== id)))) continue;
    const models = evict.map((id) => byId(view, id));
    const cost = (one: ModelView) => {
      return evictionCostMs(
        view,
        one,
        settings.models.find(({ id }) => id === one.id),
      );
    };
    const paid = models.filter(({ id }) => !hints.prefer.includes(id));
    sets.push({
      evict,
      key: [
        Math.max(0, ...models.map((one) => ease(view, hints, one) as number)),
        paid.reduce((sum, one) => sum + cost(one), 0),
        evict.length,
      ],
    });
  }
  return sets.sort((a, b) => compareKeys(a.key, b.key));
}

function compareKeys(a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}

describe('candidates on up to eight models and three devices', () => {
  it('are exactly the cheapest minimal legal sets', () => {
    fc.assert(
      fc.property(scenes({ min: 1, max: 8 }), (scene) => {
        const { candidates } = ask(scene);
        const all = bruteForce(scene);
        const keyOf = new Map(all.map(({ evict, key }) => [[...evict].sort().join(), key]));
        const keys = candidates.map(({ evict }) => keyOf.get([...evict].sort().join()));
        expect(keys).toEqual(all.slice(0, LIMITS.candidatesMax).map(({ key }) => key));
        expect(new Set(candidates.map(({ evict }) => [...evict].sort().join())).size).toBe(candidates.length);
      }),
      { numRuns: 1_500 },
    );
  });

  it('free least and take the least recently used, when cost and number are the same', () => {
    const equal = fc.uniqueArray(
      fc.record({ size: fc.integer({ min: 1, max: 8 }), idleMin: fc.integer({ min: 1, max: 200 }) }),
      { minLength: 2, maxLength: 8, selector: ({ idleMin }) => idleMin },
    );
    fc.assert(
      fc.property(equal, fc.integer({ min: 1, max: 20 }), (models, wanted) => {
        const named = Object.fromEntries(models.map((spec, i): [string, ModelSpec] => [`m${i}`, spec]));
        const scene: Scene = { target: 't', devices: { gpu0: 20 }, models: { ...named, t: { size: wanted } } };
        const { candidates, view } = ask(scene);
        const [best] = candidates;
        const freed = (evict: ModelId[]) =>
          evict.reduce((sum, id) => sum + (byId(view, id).memory.counts as number), 0);
        const used = (evict: ModelId[]) => evict.map((id) => byId(view, id).idleMs as number).sort((a, b) => a - b);
        const same = bruteForce(scene).filter(({ evict }) => evict.length === best?.evict.length);
        expect(freed(best?.evict ?? [])).toBe(Math.min(...same.map(({ evict }) => freed(evict))));
        const least = same.filter(({ evict }) => freed(evict) === freed(best?.evict ?? []));
        const oldest = least.map(({ evict }) => used(evict)).sort((a, b) => compareKeys(b, a))[0];
        expect(used(best?.evict ?? [])).toEqual(oldest);
      }),
      { numRuns: 500 },
    );
  });

  it('are legal and minimal on many models too, where the search is greedy', () => {
    fc.assert(
      fc.property(scenes({ min: 30, max: 40 }), (scene) => {
        const { candidates, planner, view, hints, verdict } = ask(scene);
        const alive = idsOf(view);
        const legal = (evict: readonly ModelId[]) =>
          planner.requires(
            't' as ModelId,
            alive.filter((id) => !evict.includes(id)),
          ).length === 0;
        for (const { evict } of candidates) {
          expect(legal(evict)).toBe(true);
          expect(evict.filter((id) => legal(evict.filter((other) => other !== id)))).toEqual([]);
          expect(evict.filter((id) => ease(view, hints, byId(view, id)) === null)).toEqual([]);
        }
        const movable = alive.filter((id) => ease(view, hints, byId(view, id)) !== null);
        expect(candidates.length > 0).toBe(legal(movable));
        if (verdict.action === 'swap') expect(verdict.evict).toEqual(candidates[0]?.evict);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the cheapest set alone, which is searched for in a way of its own', () => {
  const tenants = fc.array(
    fc.record({
      hard: fc.constantFrom(0, 0, 1),
      rank: fc.integer({ min: 0, max: 6 }),
      gives: fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 5 }))),
    }),
    { minLength: 1, maxLength: 10 },
  );
  const needs = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 1, max: 12 })));

  it('is the one that going through all sets finds', () => {
    fc.assert(
      fc.property(tenants, needs, (specs, missing) => {
        const all = specs.map((spec, i) => {
          return { ...spec, id: `m${i}`, costMs: spec.rank, bytes: spec.gives.reduce((sum, one) => sum + one, 0) };
        }) as unknown as Tenant[];
        const keyOf = (set: Tenant[]) => [
          Math.max(...set.map(({ hard }) => hard)),
          set.reduce((sum, { rank }) => sum + rank, 0),
          set.length,
          set.reduce((sum, { bytes }) => sum + bytes, 0),
        ];
        let best: number[] | null = null;
        for (let bits = 1; bits < 1 << all.length; bits++) {
          const set = all.filter((_one, i) => (bits >> i) & 1);
          const isEnough = missing.every((bytes, d) => set.reduce((sum, one) => sum + (one.gives[d] ?? 0), 0) >= bytes);
          if (isEnough && (best === null || compareKeys(keyOf(set), best) < 0)) best = keyOf(set);
        }
        const [found] = cheapestSets(
          missing.map((bytes) => ({ of: 'unknown', missing: bytes })),
          all,
          1,
          1,
        );
        expect(found === undefined ? null : keyOf(found)).toEqual(best);
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('an answer of the budget planner', () => {
  it('is a legal swap, or says what it waits for; it never refuses for a size that was not declared', () => {
    fc.assert(
      fc.property(scenes({ min: 1, max: 8 }), (scene) => {
        const { verdict, planner, view, hints } = ask(scene);
        expect(verdict.reason).not.toBe('');
        expect(verdict.reason).not.toMatch(/undefined|NaN|null| {2}|\bare {2}/);
        expect(verdict.action).toMatch(/^(swap|wait)$/);
        if (verdict.action !== 'swap') return;
        const survivors = idsOf(view).filter((id) => !verdict.evict.includes(id));
        expect(planner.requires(view.target, survivors)).toEqual([]);
        expect(verdict.evict.filter((id) => ease(view, hints, byId(view, id)) === null)).toEqual([]);
        expect((verdict.alternatives ?? []).length).toBeLessThanOrEqual(LIMITS.alternativesMax);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is the same for the same view', () => {
    fc.assert(
      fc.property(scenes({ min: 1, max: 8 }), (scene) => {
        expect(JSON.stringify(ask(scene).verdict)).toBe(JSON.stringify(ask(scene).verdict));
      }),
      { numRuns: 100 },
    );
  });
});
