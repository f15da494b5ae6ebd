/**
 * The heart of the matrix solver: of all sets that an expression stands for, the one that covers most weight, the first of
 * equals. Combinations are never made: the parts of an `&` are joined one by one, and of what is alike for all that is
 * still to come only the best is kept. Must never know what weights mean.
 *
 * Why this is exact. `outside` of a node is what the rest of a set may cover too. Two choices that cover the same of it
 * differ by the same weight in whatever set they end up, and lists are in the order that breaks ties; so the later one
 * goes unless it covers more, and the earlier one if it does. A choice also goes when another one is ahead of it by more
 * than all that only it has of `outside`: it can never make up for that. (By just as much, if the other one is earlier.)
 */
import { LIMITS } from '../core/limits.ts';
import type { Arithmetic } from './matrix-arithmetic.ts';
import type { Narrow } from './matrix-narrow.ts';

/** One set that a node stands for, as far as it matters. */
interface Choice<N> {
  covers: N;
  /** Weight of all that it covers. */
  value: N;
  /** Weight of what it covers and nothing outside of the node can cover too. */
  settled: N;
}

/** What searches may still cost, in joined choices. Below 0 they go on, but not exactly. */
export interface Effort {
  left: number;
  spent: number;
  /** False once choices were dropped that might have been part of the best. */
  exact: boolean;
}

/**
 * A search for what the best choice of a node covers. `weights` by index, all above 0. When the effort is spent it goes on
 * with the heaviest choices of each part: what it finds is a set of the node, but maybe not the best.
 */
export function searchFor<N extends number | bigint>(
  { zero, price, bit, and, or, without, plus, minus }: Arithmetic<N>,
  weights: readonly N[],
  effort: Effort,
): (node: Narrow<N>) => N {
  const bits = weights.map((_, index) => bit(index));
  const memo = new Map<Narrow<N>, Map<N, readonly Choice<N>[]>>();
  const nothing: readonly Choice<N>[] = [{ covers: zero, value: zero, settled: zero }];

  const weighed = new Map<N, N>([[zero, zero]]);
  const weigh = (mask: N): N => {
    const known = weighed.get(mask);
    if (known !== undefined) return known;
    let sum = zero;
    for (let i = 0; i < bits.length; i++) if (and(mask, bits[i] as N) !== zero) sum = plus(sum, weights[i] as N);
    weighed.set(mask, sum);
    return sum;
  };

  const inside = weights.map((value, i): readonly Choice<N>[] => [{ covers: bits[i] as N, value, settled: value }]);
  const shared = weights.map((value, i): readonly Choice<N>[] => [{ covers: bits[i] as N, value, settled: zero }]);

  const familyOf = (node: Narrow<N>, beyond: N): readonly Choice<N>[] => {
    const outside = and(beyond, node.support);
    if (node.kind === 'model') return (outside === zero ? inside : shared)[node.index] ?? nothing;
    const known = memo.get(node)?.get(outside);
    if (known !== undefined) return known;
    const family = node.kind === 'or' ? either(node.parts, outside) : together(node.parts, outside);
    const found = memo.get(node);
    if (found === undefined) memo.set(node, new Map([[outside, family]]));
    else found.set(outside, family);
    return family;
  };

  const either = (parts: readonly Narrow<N>[], outside: N): readonly Choice<N>[] => {
    const kept: Kept<N> = new Map();
    for (const part of parts) for (const choice of familyOf(part, outside)) keep(kept, choice, outside);
    return withoutHopeless(kept, outside);
  };

  const together = (parts: readonly Narrow<N>[], outside: N): readonly Choice<N>[] => {
    const ahead: N[] = new Array(parts.length).fill(outside);
    for (let i = parts.length - 2; i >= 0; i--) ahead[i] = or(ahead[i + 1] as N, (parts[i + 1] as Narrow<N>).support);
    let joined = nothing;
    let behind = zero;
    for (const [i, part] of parts.entries()) {
      joined = join(joined, familyOf(part, or(ahead[i] as N, behind)), ahead[i] as N);
      behind = or(behind, part.support);
    }
    return joined;
  };

  /** Each of one with each of the other, as seen from `outside`; in the order of nested loops. */
  const join = (left: readonly Choice<N>[], right: readonly Choice<N>[], outside: N): readonly Choice<N>[] => {
    let [a, b] = [left, right];
    const [own, offered] =
      effort.left > -LIMITS.matrixBeyondMax ? [LIMITS.matrixKeptBeyond, LIMITS.matrixOfferedBeyond] : [1, 1];
    if (a.length * b.length > Math.max(effort.left / price, own * offered)) {
      effort.exact = false;
      [a, b] = [heaviest(a, own), heaviest(b, offered)];
    }
    effort.left -= a.length * b.length * price;
    effort.spent += a.length * b.length;
    const kept: Kept<N> = new Map();
    for (const one of a) {
      for (const other of b) {
        const covers = or(one.covers, other.covers);
        const value = minus(plus(one.value, other.value), weigh(and(one.covers, other.covers)));
        keep(kept, { covers, value, settled: minus(value, weigh(and(covers, outside))) }, outside);
      }
    }
    return withoutHopeless(kept, outside);
  };

  const keep = (kept: Kept<N>, choice: Choice<N>, outside: N): void => {
    const open = and(choice.covers, outside);
    const earlier = kept.get(open);
    if (earlier !== undefined) {
      if (earlier.settled >= choice.settled) return;
      kept.delete(open); // it takes its own place, behind what came between
    }
    kept.set(open, choice);
  };

  /** Without those that the one with most settled weight beats whatever comes. */
  const withoutHopeless = (kept: Kept<N>, outside: N): readonly Choice<N>[] => {
    const family = [...kept.values()];
    if (family.length < 2) return family;
    let best = family[0] as Choice<N>;
    for (const choice of family) if (choice.settled > best.settled) best = choice;
    let passed = false;
    return family.filter((choice) => {
      if (choice === best) passed = true;
      if (choice === best) return true;
      const lead = minus(best.settled, choice.settled);
      const own = weigh(without(and(choice.covers, outside), best.covers));
      return passed ? lead < own : lead <= own;
    });
  };

  return (node) => (familyOf(node, zero)[0] as Choice<N>).covers;
}

/** By what a choice covers of `outside`; in the order that breaks ties. */
type Kept<N> = Map<N, Choice<N>>;

/** Those of most weight, in their order. What must be covered outweighs all else, so it is never lost here. */
function heaviest<N extends number | bigint>(family: readonly Choice<N>[], most: number): readonly Choice<N>[] {
  if (family.length <= most) return family;
  const sorted = [...family].sort((a, b) => (a.value < b.value ? 1 : a.value > b.value ? -1 : 0));
  const kept = new Set(sorted.slice(0, most));
  return family.filter((choice) => kept.has(choice));
}
