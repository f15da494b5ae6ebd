/**
 * The matrix planner: what llama-swap's matrix router does (spec 2.7 and 4.10). Sets say which models may be loaded
 * together; of the sets that hold the target the one is taken that keeps most of what is loaded, weighted by what evicting
 * each model costs. Unlike a group, a target that is ready evicts nobody. Pure; answers at once.
 */
import type { Alternative, Verdict } from '../core/events.ts';
import type { ModelId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { BuiltInPlanner, Hints } from '../core/plan.ts';
import type { ModelSettings, Settings } from '../core/settings.ts';
import type { Candidate, View } from '../core/view.ts';
import { compileMatrix } from './matrix-compile.ts';
import type { Question, Way } from './matrix-frame.ts';
import { matrixSolver, type Solver } from './matrix-solve.ts';
import { matrixWords } from './matrix-words.ts';
import { blockedVerdict, expectedLoadMs, loadAgainMs, mayAllLeave, neighboursOf, swapFirst } from './neighbours.ts';

const COST_DEFAULT = 1; // spec 2.7

interface Matrix {
  solver: Solver;
  costOf(model: ModelId): number;
  settingsOf: ReadonlyMap<ModelId, ModelSettings>;
}

/** Without a matrix in the settings every model runs alone. */
export function matrixPlanner(settings: Settings): BuiltInPlanner {
  const costs = new Map(Object.entries(settings.matrix?.evictCosts ?? {}));
  const costOf = (id: ModelId) => costs.get(id) ?? COST_DEFAULT;
  const matrix: Matrix = {
    solver: matrixSolver(compileMatrix(settings.matrix), costOf),
    costOf,
    settingsOf: new Map(settings.models.map((model) => [model.id, model])),
  };
  return {
    name: 'matrix',
    version: '1',
    evictsWhenReady: false,
    requires(target, alive) {
      const running = [...new Set(alive)];
      return running.includes(target) ? [] : matrix.solver.best({ target, running }).evict;
    },
    candidates: (view, hints) => candidates(matrix, view, hints),
    plan: (view, hints) => plan(matrix, view, hints),
  };
}

function candidates(matrix: Matrix, view: View, hints: Hints): Candidate[] {
  if (view.swaps.some((swap) => swap.evict.includes(view.target))) return [];
  const { ids, held, inMotion } = neighboursOf(view, hints);
  const ways = matrix.solver.ways(questionOf(view, ids, hints), new Set([...held, ...inMotion]), LIMITS.candidatesMax);
  return ways.map((way) => candidateOf(matrix, view, ids, way));
}

function questionOf(view: View, running: readonly ModelId[], hints: Hints): Question {
  return { target: view.target, running, prefer: new Set(hints.prefer) };
}

function candidateOf(
  { costOf, settingsOf }: Matrix,
  view: View,
  alive: readonly ModelId[],
  { set, evict }: Way,
): Candidate {
  const leaving = new Set(evict);
  const stays = alive.filter((id) => !leaving.has(id));
  const cost = evict.reduce((sum, id) => sum + costOf(id), 0);
  const reason = matrixWords({ target: view.target, set, stays, evict, cost });
  return { evict, frees: 0, reloadMs: expectedLoadMs(view, evict, settingsOf), reason };
}

function plan(matrix: Matrix, view: View, hints: Hints): Verdict {
  const ahead = view.swaps.find((swap) => swap.evict.includes(view.target));
  if (ahead !== undefined) return swapFirst(ahead);
  let [first, ...others] = view.candidates;
  if (first === undefined) {
    const around = neighboursOf(view, hints);
    const way = matrix.solver.best(questionOf(view, around.ids, hints), around.held);
    if (!mayAllLeave(around, way.evict)) return blockedVerdict(view, way.evict, around, hints);
    first = candidateOf(matrix, view, around.ids, way);
  }
  const alternatives = others
    .slice(0, LIMITS.alternativesMax)
    .map(({ evict, reason }): Alternative => ({ evict, costMs: loadAgainMs(view, evict), reason }));
  const { evict, reason } = first;
  return { action: 'swap', evict, reason, ...(alternatives.length === 0 ? {} : { alternatives }) };
}
