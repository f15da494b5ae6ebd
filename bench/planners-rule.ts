/**
 * llama-swap's rule, played by itself: requests in the order of their arrival, a ready model serves at once whoever
 * waits, a busy model is never stopped, nothing ages and nothing stays. Written from its documented behaviour, apart
 * from turnout's kernel, so that the kernel with its fairness switched off can be held against it.
 */
import {
  advance,
  type Ground,
  isBusy,
  isLoading,
  newWorld,
  startLoad,
  targetsOf,
  type World,
} from './planners-world.ts';

/** Models that must leave among those that are loaded or loading. */
export type Evicts = (target: number, present: readonly number[]) => number[];

/** Its group router with one swap group: one model at a time. */
export const oneAtATime: Evicts = (_target, present) => [...present];

/** Its matrix router: the set that costs least, each model that leaves costing 1; the first one of equals. */
export function bySets(sets: readonly (readonly number[])[]): Evicts {
  return (target, present) => {
    let best = [...present];
    let found = false;
    for (const set of sets) {
      if (!set.includes(target)) continue;
      const outside = present.filter((model) => !set.includes(model));
      if (found && outside.length >= best.length) continue;
      best = outside;
      found = true;
    }
    return best;
  };
}

/** Plays the workload to its end. */
export function playRule(ground: Ground, evicts: Evicts): World {
  const world = newWorld(ground);
  while (advance(ground, world)) {
    for (const target of targetsOf(ground, world)) {
      const present = world.ready.flatMap((ready, model) => (ready || isLoading(world, model) ? [model] : []));
      const evict = evicts(target, present);
      if (evict.some((model) => isLoading(world, model) || isBusy(ground, world, model))) continue;
      startLoad(ground, world, target, evict);
    }
  }
  return world;
}
