/**
 * The solver of spec 2.7: which of the running models leave when a target is asked for. Pure; knows no views and no swaps.
 * Must never let a model stay beside a target when no set holds all that stay, however hard the question is.
 */

import type { ModelId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Compiled } from './matrix-compile.ts';
import type { Effort } from './matrix-family.ts';
import { frameFor, type Question, type Way } from './matrix-frame.ts';

const NONE: ReadonlySet<ModelId> = new Set();

export interface Solver {
  /** The cheapest way; of equals the first in processing order, then in reading order. `held` are kept at any cost. */
  best(question: Question, held?: ReadonlySet<ModelId>, effort?: Effort): Way;
  /** The cheapest way of each set, and the cheapest ones that keep what leaves in the best; that evict none of `held`. */
  ways(question: Question, held: ReadonlySet<ModelId>, most: number): Way[];
}

export const newEffort = (): Effort => ({ left: LIMITS.matrixJoinedMax, spent: 0, exact: true });

export function matrixSolver(compiled: Compiled, costOf: (model: ModelId) => number): Solver {
  /**
   * Where choices had to be dropped, a set that holds all that stay may exist and not be found by the next question, be it
   * that this one was just within its effort. So that the solver agrees with itself, more leave until it is found; at the
   * latest when all have left.
   */
  const agreed = ({ target, running }: Question, way: Way): Way => {
    const leaving = new Set(way.evict);
    for (;;) {
      const staying = running.filter((id) => !leaving.has(id));
      const more = frameFor(compiled, { target, running: staying }, costOf).best(NONE, newEffort()).evict;
      if (more.length === 0) return { ...way, evict: running.filter((id) => leaving.has(id)) };
      for (const id of more) leaving.add(id);
    }
  };

  const best: Solver['best'] = (question, held = NONE, effort = newEffort()) => {
    const way = frameFor(compiled, question, costOf).best(held, effort);
    return way.evict.length === 0 && effort.exact ? way : agreed(question, way);
  };

  const ways: Solver['ways'] = (question, held, most) => {
    const frame = frameFor(compiled, question, costOf);
    const effort = newEffort();
    const isLegal = (way: Way) => !way.evict.some((id) => held.has(id));
    const found = ranked(frame.each(held, effort).filter(isLegal));
    const [first] = found;
    const missed = (first?.evict ?? []).filter((id) => frame.mayKeep(id)).sort((a, b) => costOf(b) - costOf(a));
    for (const id of missed.slice(0, LIMITS.matrixMissedMax)) {
      if (found.length >= most || effort.left <= 0) break;
      found.push(frame.best(new Set([...held, id]), effort));
    }
    const legal = ranked(found.filter(isLegal)).slice(0, most);
    if (effort.exact && effort.left > LIMITS.matrixJoinedMax / 2) return legal; // what is asked next has less to look at
    // one is enough: each would need a search of its own to be sure of it
    for (const way of legal) {
      const sure = agreed(question, way);
      if (isLegal(sure)) return [sure];
    }
    return [];
  };

  return { best, ways };
}

/** The cheapest first, of equals the first; each set of victims once. */
function ranked(ways: readonly Way[]): Way[] {
  const distinct = new Map<string, Way>();
  for (const way of ways) {
    const key = JSON.stringify(way.evict);
    if (!distinct.has(key)) distinct.set(key, way);
  }
  return [...distinct.values()].sort((a, b) => (a.loss < b.loss ? -1 : a.loss > b.loss ? 1 : 0));
}
