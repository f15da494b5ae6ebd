/**
 * Branch and bound over the tenants that may leave: the cheapest set, or the cheapest few. It starts from sets that are
 * known and stops when its steps are used up. Pure. Must never return a set that does not make enough room, or one of
 * which a model could stay.
 */

import { boundsOf } from './budget-bounds.ts';
import { better, type Choice, choice, compare, type Work } from './budget-choice.ts';
import type { Tenant } from './budget-room.ts';

/** The cheapest set of the usable places; of what was found when the steps run out, the cheapest. */
export function cheapest(work: Work, usable: readonly number[], known: Choice, steps: number): Choice {
  // In a cheapest set nobody stands whose better is missing: putting the better one there would make it cheaper.
  const betters = work.tenants.map((_one, i) => usable.filter((other) => isBetter(work.tenants, other, i)));
  let best = known;
  explore(work, usable, steps, {
    worst: () => best,
    allows: (pick, skipped) => !(betters[pick] as number[]).some((other) => skipped[other] === 1),
    found: (set) => {
      if (better(set, best)) best = set;
    },
  });
  return best;
}

/** The `max` cheapest minimal sets whose hardest model is `hard`, cheapest first. */
export function cheapestFew(
  work: Work,
  usable: readonly number[],
  known: readonly Choice[],
  { hard, max, steps }: { hard: number; max: number; steps: number },
): Choice[] {
  const few: Choice[] = [];
  const add = (set: Choice) => {
    if (set.hard !== hard || few.some((one) => samePicks(one, set))) return;
    let at = few.length;
    while (at > 0 && better(set, few[at - 1] as Choice)) at--;
    few.splice(at, 0, set);
    if (few.length > max) few.pop();
  };
  for (const set of known) add(set);
  explore(work, usable, steps, {
    worst: () => (few.length < max ? null : (few[max - 1] as Choice)),
    allows: () => true,
    found: add,
  });
  return few;
}

function samePicks(a: Choice, b: Choice): boolean {
  return a.picks.length === b.picks.length && a.picks.every((pick, i) => pick === b.picks[i]);
}

/** Whether putting `a` in the place of `b` leaves enough room and makes any set better. */
function isBetter(tenants: readonly Tenant[], a: number, b: number): boolean {
  const [one, other] = [tenants[a] as Tenant, tenants[b] as Tenant];
  if (compare(tenants, a, b) >= 0) return false;
  for (let d = 0; d < one.gives.length; d++) if ((one.gives[d] as number) < (other.gives[d] as number)) return false;
  return true;
}

/** Looking at a whole set takes as long as so many steps. */
const SET_STEPS = 8;

interface Search {
  /** What a set must not be worse than to matter; null = any matters. */
  worst(): Choice | null;
  /** Whether a place may be picked when those marked were passed over. */
  allows(pick: number, skipped: Uint8Array): boolean;
  found(set: Choice): void;
}

/** Goes through all minimal sets that could matter, first those with what gives most for its cost. */
function explore(work: Work, usable: readonly number[], steps: number, search: Search): void {
  const { tenants } = work;
  const dims = work.missing.length;
  const mayMatter = boundsOf(work, usable);
  const rest = Float64Array.from(work.missing);
  const skipped = new Uint8Array(tenants.length);
  const picks: number[] = [];
  let left = steps;

  const isMinimal = () => picks.every((pick) => needed((tenants[pick] as Tenant).gives, rest));
  const visit = (at: number, rank: number): void => {
    if (left-- <= 0) return;
    if (isCovered(rest)) {
      if (!isMinimal()) return;
      left -= SET_STEPS;
      search.found(choice(work, picks));
      return;
    }
    if (at === usable.length || !mayMatter(at, rest, rank, picks.length, search.worst())) return;
    const pick = usable[at] as number;
    const { gives, rank: more } = tenants[pick] as Tenant;
    if (helps(gives, rest) && search.allows(pick, skipped)) {
      picks.push(pick);
      for (let d = 0; d < dims; d++) rest[d] = (rest[d] as number) - (gives[d] as number);
      visit(at + 1, rank + more);
      for (let d = 0; d < dims; d++) rest[d] = (rest[d] as number) + (gives[d] as number);
      picks.pop();
    }
    skipped[pick] = 1;
    visit(at + 1, rank);
    skipped[pick] = 0;
  };
  visit(0, 0);
}

function isCovered(rest: Float64Array): boolean {
  for (let d = 0; d < rest.length; d++) if ((rest[d] as number) > 0) return false;
  return true;
}

function helps(gives: readonly number[], rest: Float64Array): boolean {
  for (let d = 0; d < rest.length; d++) if ((rest[d] as number) > 0 && (gives[d] as number) > 0) return true;
  return false;
}

/** Whether too little would be freed without it. */
function needed(gives: readonly number[], rest: Float64Array): boolean {
  for (let d = 0; d < rest.length; d++) if ((rest[d] as number) + (gives[d] as number) > 0) return true;
  return false;
}
