/**
 * The cheapest sets that make enough room. Sets are compared by the hardest in them, then cost, then number, then bytes
 * freed, then by how long ago their most recently used model was used. Pure; must take well under a millisecond.
 */
import { LIMITS } from '../core/limits.ts';
import { type Choice, greedy, prepare, type Work } from './budget-choice.ts';
import { cheapest, cheapestFew } from './budget-exact.ts';
import type { Need, Tenant } from './budget-room.ts';

/**
 * The `max` cheapest sets of tenants no harder than `hardest`, cheapest first. All make enough room and are minimal: none
 * of a set could stay. Easier sets come first, so the next level is only looked at when there are not enough of them.
 */
export function cheapestSets(
  needs: readonly Need[],
  tenants: readonly Tenant[],
  hardest: number,
  max: number,
): Tenant[][] {
  const usable = tenants.filter((one) => one.hard <= hardest && one.gives.some((bytes) => bytes > 0));
  const work = prepare(needs, usable);
  const exact = usable.length <= LIMITS.budgetExactModelsMax;
  const sets: Choice[] = [];
  for (const hard of [...new Set(usable.map((one) => one.hard))].sort((a, b) => a - b)) {
    if (sets.length >= max) break;
    const places = work.order.filter((i) => (usable[i] as Tenant).hard <= hard);
    const quick = greedy(work, places);
    if (quick === null) continue;
    const best = exact && sets.length === 0 ? cheapest(work, places, quick, LIMITS.budgetStepsMax) : quick;
    const known = max === 1 ? [best] : [best, ...without(work, places, best)];
    const steps = exact && max > 1 ? LIMITS.budgetMoreStepsMax : 0;
    sets.push(...cheapestFew(work, places, known, { hard, max: max - sets.length, steps }));
  }
  return sets.map((set) => set.picks.map((pick) => usable[pick] as Tenant));
}

/** Good sets that do without one of a set's models: where the search for more begins, and all there is beyond its bound. */
function without(work: Work, places: readonly number[], { picks }: Choice): Choice[] {
  const sets: Choice[] = [];
  for (const pick of picks) {
    const other = greedy(
      work,
      places.filter((i) => i !== pick),
    );
    if (other !== null) sets.push(other);
  }
  return sets;
}
