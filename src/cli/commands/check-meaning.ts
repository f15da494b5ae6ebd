/**
 * What a configuration means: which models can be loaded together, and what a request for each would evict. Asks the
 * planner itself, so that it says what will happen. Must never guess from the text.
 */
import type { Config } from '../../core/config/config.ts';
import { settingsOf } from '../../core/config/settings.ts';
import type { ModelId } from '../../core/ids.ts';
import { groupPlanner } from '../../policies/group.ts';

/** Models of one group in a set: all of them at once, or one at a time. */
export interface Share {
  group: string;
  take: 'all' | 'one';
  models: ModelId[];
}

export interface Meaning {
  planner: string;
  /** The largest sets of models of which none evicts another, whatever is asked for. */
  together: Share[][];
  /** Sets that are left out, because there are too many to show. */
  togetherMore: boolean;
  /** For each model: which of the others leave when they run and it is asked for, and which may stay. */
  evictions: { model: ModelId; evicts: ModelId[]; keeps: ModelId[] }[];
}

const SETS_MAX = 50;

export function meaningOf(config: Config): Meaning {
  const settings = settingsOf(config, 'only compared, never kept');
  const { name, requires } = groupPlanner(settings);
  const ids = [...config.models.keys()];
  const evictions = ids.map((model) => {
    const others = ids.filter((id) => id !== model);
    const evicts = others.filter((id) => requires(model, [id]).length > 0);
    const leaving = new Set(evicts);
    return { model, evicts, keeps: others.filter((id) => !leaving.has(id)) };
  });
  const shares = sharesOf(config, requires);
  const fits = shares.map((share) => shares.map((other) => share !== other && shareFit(share, other, requires)));
  const { sets, more } = largestSets(fits);
  const together = sets.map((set) => set.flatMap((i) => shares[i] ?? []));
  return { planner: name, together, togetherMore: more, evictions };
}

type Requires = ReturnType<typeof groupPlanner>['requires'];

/** Models of a group behave alike to all others, so sets are made of groups: 500 models are still a few of them. */
function sharesOf(config: Config, requires: Requires): Share[] {
  return config.groups.flatMap(({ id }) => {
    const models = [...config.models.values()].filter((model) => model.group === id).map((model) => model.id);
    const [first, second] = models;
    if (first === undefined) return [];
    const alone = second !== undefined && requires(first, [second]).length > 0;
    return [{ group: id, take: alone ? ('one' as const) : ('all' as const), models }];
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
