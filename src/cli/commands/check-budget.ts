/**
 * What memory lets run together. Sums count, not pairs; models of the same size are alike, so sets are so many of each size.
 * Asks the planner; must never add up bytes itself.
 */

import { canonicalJson } from '../../core/config/canonical.ts';
import type { ModelId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { BuiltInPlanner } from '../../core/plan.ts';
import type { Settings } from '../../core/settings.ts';
import { countOf, SETS_MAX, shareOf, type Together } from './check-shares.ts';

type Fits = (models: ModelId[]) => boolean;

export function togetherInMemory(settings: Settings, { requires }: BuiltInPlanner): Together {
  const fits: Fits = ([first, ...others]) => first === undefined || requires(first, others).length === 0;
  const sizes = new Map<string, ModelId[]>();
  for (const { id, memory } of settings.models) {
    const size = canonicalJson(memory);
    sizes.set(size, [...(sizes.get(size) ?? []), id]);
  }
  const classes = [...sizes.values()];
  const { counts, more } = largestCounts(classes, fits);
  const sets = counts.map((set) => set.flatMap((n, i) => (n === 0 ? [] : [shareOf(classes[i] as ModelId[], n)])));

  const mayLeave = (target: ModelId, compatible: ModelId[]): ModelId[] => {
    if (fits([target, ...compatible])) return [];
    if (more) return compatible;
    const stay = new Set(compatible);
    const leaving = new Set<ModelId>();
    for (const set of sets) {
      // a set that cannot be had without the target asks for nothing
      if (set.some((share) => share.take === 'all' && share.models.includes(target))) continue;
      const shares = set.map((share) => share.models.filter((id) => stay.has(id)));
      const loaded = set.map((share, i) => (shares[i] ?? []).slice(0, countOf(share)));
      if (fits([target, ...loaded.flat()])) continue;
      // whoever is missing from one of the largest sets that can stay may be the one to leave
      const staying = largestCounts(loaded, (models) => fits([target, ...models]));
      for (const [i, { length }] of loaded.entries()) {
        if (!staying.more && staying.counts.every((taken) => taken[i] === length)) continue;
        for (const id of shares[i] ?? []) leaving.add(id);
      }
    }
    return compatible.filter((id) => leaving.has(id));
  };
  return { sets, more, mayLeave };
}

/** How many of each size make a set that takes no other model, at most `SETS_MAX` such. */
function largestCounts(classes: ModelId[][], fits: Fits): { counts: number[][]; more: boolean } {
  const counts: number[][] = [];
  let questions = 0;
  const ask: Fits = (models) => {
    questions += 1;
    return fits(models);
  };
  const spent = () => counts.length > SETS_MAX || questions > LIMITS.checkQuestionsMax;
  const rests = classes.map((_, i) => classes.slice(i + 1).flat());

  const grow = (at: number, chosen: ModelId[], taken: number[]): void => {
    const models = classes[at];
    if (models === undefined) {
      const next = classes.map((all, i) => all[taken[i] ?? 0]);
      if (next.every((id) => id === undefined || !ask([...chosen, id]))) counts.push(taken);
      return;
    }
    const most = mostThat((n) => ask([...chosen, ...models.slice(0, n)]), models.length);
    for (let n = most; n >= 0 && !spent(); n -= 1) {
      // with one less there would be room for it in the end, whatever else is taken
      if (n < most && ask([...chosen, ...models.slice(0, n + 1), ...(rests[at] as ModelId[])])) return;
      grow(at + 1, [...chosen, ...models.slice(0, n)], [...taken, n]);
    }
  };
  if (classes.length > 0) grow(0, [], []);
  return { counts: counts.slice(0, SETS_MAX), more: spent() };
}

/** The largest number up to `limit` of which `holds` says yes, as it does for all below. */
function mostThat(holds: (n: number) => boolean, limit: number): number {
  let low = 0;
  let high = limit;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
