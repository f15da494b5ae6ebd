/** Sets of tenants that make enough room: how they are compared, and the quick way to one. Pure. */
import type { Need, Tenant } from './budget-room.ts';

export interface Choice {
  /** Places in the list of tenants (least recently used first), ascending. */
  picks: number[];
  hard: number;
  rank: number;
  bytes: number;
}

export interface Work {
  missing: number[];
  tenants: readonly Tenant[];
  /** Places of the tenants, the one that gives most for its cost first. */
  order: number[];
}

export function prepare(needs: readonly Need[], tenants: readonly Tenant[]): Work {
  const missing = needs.map((need) => need.missing);
  const price = tenants.map((one) => one.rank / shareOfNeeds(one, missing));
  const order = tenants.map((_one, i) => i);
  order.sort((a, b) => (price[a] as number) - (price[b] as number) || compare(tenants, a, b));
  return { missing, tenants, order };
}

/** What a tenant gives to all needs together, of 1 for each. */
function shareOfNeeds({ gives }: Tenant, missing: readonly number[]): number {
  let share = 0;
  for (let d = 0; d < missing.length; d++) share += Math.min(1, (gives[d] as number) / (missing[d] as number));
  return share;
}

export function choice({ tenants }: Work, picks: readonly number[]): Choice {
  const sum: Choice = { picks: [...picks].sort((a, b) => a - b), hard: 0, rank: 0, bytes: 0 };
  for (const pick of picks) {
    const { hard, rank, bytes } = tenants[pick] as Tenant;
    sum.hard = Math.max(sum.hard, hard);
    sum.rank += rank;
    sum.bytes += bytes;
  }
  return sum;
}

/** Whether `a` comes before `b`: easier, cheaper, fewer, less freed, and at last used longer ago. */
export function better(a: Choice, b: Choice): boolean {
  if (a.hard !== b.hard) return a.hard < b.hard;
  if (a.rank !== b.rank) return a.rank < b.rank;
  if (a.picks.length !== b.picks.length) return a.picks.length < b.picks.length;
  if (a.bytes !== b.bytes) return a.bytes < b.bytes;
  for (let i = a.picks.length - 1; i >= 0; i--) {
    const [left, right] = [a.picks[i] as number, b.picks[i] as number];
    if (left !== right) return left < right;
  }
  return false;
}

/** The same order for single tenants, by their places. */
export function compare(tenants: readonly Tenant[], a: number, b: number): number {
  const [one, other] = [tenants[a] as Tenant, tenants[b] as Tenant];
  return one.rank - other.rank || one.bytes - other.bytes || a - b;
}

/** A minimal set of the usable places, or null when even all of them do not make enough room. */
export function greedy(work: Work, usable: readonly number[]): Choice | null {
  const rest = [...work.missing];
  const picks: number[] = [];
  for (const i of usable) {
    if (rest.every((missing) => missing <= 0)) break;
    const { gives } = work.tenants[i] as Tenant;
    if (!rest.some((missing, d) => missing > 0 && (gives[d] as number) > 0)) continue;
    picks.push(i);
    for (let d = 0; d < rest.length; d++) rest[d] = (rest[d] as number) - (gives[d] as number);
  }
  return rest.every((missing) => missing <= 0) ? choice(work, minimal(work, picks)) : null;
}

/** Lets stay whoever can, the dearest first. */
function minimal({ tenants, missing }: Work, picks: readonly number[]): number[] {
  const spare = missing.map((bytes, d) => bytes - picks.reduce((sum, i) => sum + (tenants[i]?.gives[d] ?? 0), 0));
  const kept = new Set(picks);
  for (const i of [...picks].sort((a, b) => compare(tenants, b, a))) {
    const { gives } = tenants[i] as Tenant;
    if (!spare.every((rest, d) => rest + (gives[d] as number) <= 0)) continue;
    kept.delete(i);
    for (let d = 0; d < spare.length; d++) spare[d] = (spare[d] as number) + (gives[d] as number);
  }
  return [...kept];
}
