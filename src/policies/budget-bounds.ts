/**
 * What a set that is half chosen must still cost at least. Pure. Must never say more than that: the search leaves out
 * whatever this rules out.
 */
import type { Choice, Work } from './budget-choice.ts';
import type { Tenant } from './budget-room.ts';

/** Whether the places from `at` on can complete a set of this rank and number to one that is no worse than `worst`. */
type MayMatter = (at: number, rest: Float64Array, rank: number, count: number, worst: Choice | null) => boolean;

/**
 * For each place and need: what all from there on give, the lowest price of it, and the most that one of them gives. From
 * these the answer whether anything from a place on can complete a set that is no worse than another.
 */
export function boundsOf({ missing, tenants }: Work, usable: readonly number[]): MayMatter {
  const dims = missing.length;
  const size = (usable.length + 1) * dims;
  const all = new Float64Array(size);
  const price = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const most = new Float64Array(size);
  for (let at = usable.length - 1; at >= 0; at--) {
    const { gives, rank } = tenants[usable[at] as number] as Tenant;
    for (let d = 0; d < dims; d++) {
      const [here, next, bytes] = [at * dims + d, (at + 1) * dims + d, gives[d] as number];
      all[here] = (all[next] as number) + bytes;
      price[here] = Math.min(price[next] as number, bytes > 0 ? rank / bytes : Number.POSITIVE_INFINITY);
      most[here] = Math.max(most[next] as number, bytes);
    }
  }
  return (at, rest, rank, count, worst) => {
    let dearer = 0;
    let more = 0;
    for (let d = 0; d < dims; d++) {
      const here = at * dims + d;
      const open = rest[d] as number;
      if (open <= 0) continue;
      if ((all[here] as number) < open) return false;
      dearer = Math.max(dearer, Math.ceil(open * (price[here] as number) - 1e-6)); // costs are whole: rounding is no loss
      more = Math.max(more, Math.ceil(open / (most[here] as number)));
    }
    if (worst === null) return true;
    if (rank + dearer !== worst.rank) return rank + dearer < worst.rank;
    return count + more <= worst.picks.length;
  };
}
