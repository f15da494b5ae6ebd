/**
 * What groups let run together. There it is enough to know which two models fit: all that fit in pairs fit together. Asks
 * the planner; must never read the rules of groups itself.
 */
import type { BuiltInPlanner } from '../../core/plan.ts';
import type { Settings } from '../../core/settings.ts';
import { SETS_MAX, type Share, shareOf, type Together } from './check-shares.ts';

type Requires = BuiltInPlanner['requires'];

export function togetherInGroups(settings: Settings, { requires }: BuiltInPlanner): Together {
  const shares = sharesOf(settings, requires);
  const fits = shares.map((share) => shares.map((other) => share !== other && shareFit(share, other, requires)));
  const { sets, more } = largestSets(fits);
  return { sets: sets.map((set) => set.flatMap((i) => shares[i] ?? [])), more, mayLeave: () => [] };
}

/** Models of a group behave alike to all others, so sets are made of groups: 500 models are still a few of them. */
function sharesOf({ groups, models }: Settings, requires: Requires): Share[] {
  return groups.flatMap(({ id }) => {
    const members = models.filter((model) => model.group === id).map((model) => model.id);
    const [first, second] = members;
    if (first === undefined) return [];
    const alone = second !== undefined && requires(first, [second]).length > 0;
    return [shareOf(members, alone ? 1 : members.length, id)];
  });
}

function shareFit({ models: [a] }: Share, { models: [b] }: Share, requires: Requires): boolean {
  if (a === undefined || b === undefined) return false;
  return requires(a, [b]).length === 0 && requires(b, [a]).length === 0;
}

/** The maximal sets in which every two fit (Bron-Kerbosch with a pivot), at most `SETS_MAX`. */
function largestSets(fits: boolean[][]): { sets: number[][]; more: boolean } {
  const sets: number[][] = [];
  let more = false;
  const grow = (chosen: number[], open: number[], seen: number[]): void => {
    if (sets.length >= SETS_MAX) {
      more = true;
      return;
    }
    if (open.length === 0 && seen.length === 0) {
      if (chosen.length > 0) sets.push(chosen.toSorted((a, b) => a - b));
      return;
    }
    const fitsOf = (i: number) => (j: number) => fits[i]?.[j] === true;
    const pivot = [...open, ...seen].reduce((best, i) =>
      open.filter(fitsOf(i)).length > open.filter(fitsOf(best)).length ? i : best,
    );
    const left = [...open];
    const tried = [...seen];
    for (const i of open.filter((j) => !fitsOf(pivot)(j))) {
      grow([...chosen, i], left.filter(fitsOf(i)), tried.filter(fitsOf(i)));
      left.splice(left.indexOf(i), 1);
      tried.push(i);
    }
  };
  grow(
    [],
    fits.map((_, i) => i),
    [],
  );
  return { sets: sets.toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0)), more };
}
