/**
 * Sets of models written short: a set is made of shares, each so many of its models. The words in which `turnout check`
 * says what can be loaded together. Must never know how a planner decides.
 */
import type { ModelId } from '../../core/ids.ts';

/** So many of these models at once, whichever they are. */
export interface Share {
  /** The group of its models where groups decide. */
  group: string | null;
  take: 'all' | 'one' | number;
  models: ModelId[];
}

export interface Together {
  /** The largest sets of models of which none evicts another, whatever is asked for. */
  sets: Share[][];
  /** Whether there are more, too many to show. */
  more: boolean;
  /** Of models of which each alone could stay beside `target`: those that may still have to leave, as all of them could not. */
  mayLeave(target: ModelId, compatible: ModelId[]): ModelId[];
}

export const SETS_MAX = 50;

export function shareOf(models: ModelId[], count: number, group: string | null = null): Share {
  return { group, take: count === models.length ? 'all' : count === 1 ? 'one' : count, models };
}

export function countOf({ take, models }: Share): number {
  return take === 'all' ? models.length : take === 'one' ? 1 : take;
}

/**
 * Whether every choice from the one set is part of a choice from the other: each share lies in one of its own there. Says no
 * where it is not sure, because a model may stand in several shares. All shares are of one model each.
 */
export function liesIn(shares: readonly ModelId[][], set: readonly ModelId[][]): boolean {
  const homes = set.map((models) => new Set(models));
  const owner = new Map<number, number>();
  const settle = (share: number, tried: Set<number>): boolean => {
    for (const [home, models] of homes.entries()) {
      if (tried.has(home) || !shares[share]?.every((id) => models.has(id))) continue;
      tried.add(home);
      const other = owner.get(home);
      if (other !== undefined && !settle(other, tried)) continue;
      owner.set(home, share);
      return true;
    }
    return false;
  };
  return shares.every((_, share) => settle(share, new Set()));
}
