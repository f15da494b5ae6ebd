/**
 * One question to the matrix, made ready: the sets that hold the target, cut down to what runs, and what keeping each model
 * is worth. Several searches share it. Must never know of swaps or views.
 */
import type { ModelId } from '../core/ids.ts';
import { type Arithmetic, BIG, PLAIN, PLAIN_MODELS_MAX } from './matrix-arithmetic.ts';
import type { Compiled, CompiledSet } from './matrix-compile.ts';
import { type Effort, searchFor } from './matrix-family.ts';
import { type Narrow, narrowing } from './matrix-narrow.ts';

export interface Question {
  target: ModelId;
  /** Without the target, each once. */
  running: readonly ModelId[];
  /** What these cost counts only between ways that cost the same otherwise. */
  prefer?: ReadonlySet<ModelId>;
}

/** A way to make room. */
export interface Way {
  /** null = no set holds the target, so it runs alone. */
  set: CompiledSet | null;
  evict: ModelId[];
  /** For comparing the ways of one question. */
  loss: bigint;
}

export interface Frame {
  /** False when no set names it together with the target. */
  mayKeep(model: ModelId): boolean;
  /** The best way under each set that holds the target, in processing order. `held`: to keep one more is worth any cost. */
  each(held: ReadonlySet<ModelId>, effort: Effort): Way[];
  /** The best of all; of equals the first in processing order, then in reading order. */
  best(held: ReadonlySet<ModelId>, effort: Effort): Way;
}

export function frameFor(compiled: Compiled, question: Question, costOf: (model: ModelId) => number): Frame {
  const { bits } = compiled;
  const { target, running } = question;
  const mattering = new Map([target, ...running].filter((id) => bits.has(id)).map((id, index) => [id, index]));
  const costs = steppedCosts(question, costOf);
  let total = 1n;
  for (const cost of costs.values()) total += cost;
  const highest = total * BigInt(running.length + 2); // were all of them held, and the target above that
  const isPlain = mattering.size <= PLAIN_MODELS_MAX && highest <= BigInt(Number.MAX_SAFE_INTEGER);
  return isPlain
    ? frameIn(PLAIN, compiled, question, mattering, costs, total)
    : frameIn(BIG, compiled, question, mattering, costs, total);
}

function frameIn<N extends number | bigint>(
  arithmetic: Arithmetic<N>,
  { bits, sets }: Compiled,
  { target, running }: Question,
  mattering: ReadonlyMap<ModelId, number>,
  costs: ReadonlyMap<ModelId, bigint>,
  total: bigint,
): Frame {
  const { zero, and, bit, of, plus } = arithmetic;
  const lossOf = (evict: readonly ModelId[]) => evict.reduce((sum, id) => sum + (costs.get(id) ?? 0n), 0n);
  const alone = (): Way => ({ set: null, evict: [...running], loss: lossOf(running) });
  const bitOf = new Map([...mattering].map(([id, index]) => [id, bit(index)]));
  const outsideOf = (covers: N) => running.filter((id) => and(covers, bitOf.get(id) ?? zero) === zero);

  let wide = 0n;
  for (const id of mattering.keys()) wide |= bits.get(id) ?? 0n;
  const narrow = narrowing(arithmetic, mattering, wide);
  const targetBit = bits.get(target) ?? 0n;
  const within = sets
    .filter((set) => (set.root.support & targetBit) !== 0n)
    .map((set, at) => {
      const root = narrow(set.root);
      return { set, at, root, never: outsideOf(root.support) };
    });

  const worthWith = (held: ReadonlySet<ModelId>) => {
    const worth = new Map(running.map((id) => [id, of(held.has(id) ? total : (costs.get(id) ?? 0n))]));
    const sum = (ids: readonly ModelId[]) => ids.reduce((all, id) => plus(all, worth.get(id) ?? zero), zero);
    const mostOfAll = plus(sum(running), of(1n));
    return { sum, weights: [...mattering.keys()].map((id) => worth.get(id) ?? mostOfAll) };
  };

  return {
    mayKeep: (id) => within.some(({ never }) => !never.includes(id)),
    each(held, effort) {
      const find = finderFor(arithmetic, worthWith(held).weights, effort);
      const ways = within.map(({ set, root }): Way => {
        const evict = outsideOf(find(root));
        return { set, evict, loss: lossOf(evict) };
      });
      return ways.length === 0 ? [alone()] : ways;
    },
    best(held, effort) {
      const { sum, weights } = worthWith(held);
      const find = finderFor(arithmetic, weights, effort);
      // most promising first: what could not win even if it kept all that it names is not looked into
      const promising = within.map((one) => ({ ...one, least: sum(one.never) }));
      promising.sort((a, b) => (a.least < b.least ? -1 : a.least > b.least ? 1 : a.at - b.at));
      let best: { set: CompiledSet; evict: ModelId[]; at: number; loss: N } | null = null;
      const wins = (loss: N, at: number) => best === null || loss < best.loss || (loss === best.loss && at < best.at);
      for (const { set, root, at, least } of promising) {
        if (!wins(least, at)) continue;
        const evict = outsideOf(find(root));
        const loss = sum(evict);
        if (wins(loss, at)) best = { set, evict, at, loss };
      }
      return best === null ? alone() : { set: best.set, evict: best.evict, loss: lossOf(best.evict) };
    },
  };
}

/** Finds the best that a set covers; quickly where that is certain, else for as long as there is effort left. */
function finderFor<N extends number | bigint>(arithmetic: Arithmetic<N>, weights: readonly N[], effort: Effort) {
  const quickly: Effort = { left: 0, spent: 0, exact: true };
  const quick = searchFor(arithmetic, weights, quickly);
  const full = searchFor(arithmetic, weights, effort);
  return (root: Narrow<N>): N => {
    const before = quickly.spent;
    const covers = quick(root);
    effort.spent += quickly.spent - before;
    // all that it names is covered, or nothing was dropped: there is no better one, and none as good that comes first
    if (covers === root.support || quickly.exact) return covers;
    if (effort.left > 0) return full(root);
    effort.exact = false;
    return covers;
  };
}

/** The cost of evicting each; of what is preferred in steps so small that all of them together are less than one other. */
function steppedCosts({ running, prefer }: Question, costOf: (model: ModelId) => number): Map<ModelId, bigint> {
  let step = 1n;
  for (const id of running) if (prefer?.has(id)) step += BigInt(costOf(id));
  return new Map(running.map((id) => [id, BigInt(costOf(id)) * (prefer?.has(id) ? 1n : step)]));
}
