/**
 * One recorded decision, as it was put to its planner: the view is built again from the state at its position. Pure but for
 * the state that the caller folded up to there. Must never ask anybody.
 */
import type { EventOf } from '../events.ts';
import { keptFromIdleLoads } from '../idle.ts';
import type { ModelId } from '../ids.ts';
import { type BuiltInPlanner, type Hints, NO_HINTS } from '../plan.ts';
import type { State } from '../state.ts';
import { buildSharedView, type View, viewFor } from '../view.ts';

/** A load for idleness leaves alone what is kept warm; a client's request knows no such hint. */
export function hintsOf(state: Readonly<State>, target: ModelId, now: number): Hints {
  if (state.idleRequest === null || state.requests.get(state.idleRequest)?.model !== target) return NO_HINTS;
  return { protect: keptFromIdleLoads(state, now), prefer: [] };
}

/**
 * The view and hints of a `plan.decided`, with the candidates of its fallback. `state` must stand at `data.viewPosition`.
 */
export function questionOf(
  state: Readonly<State>,
  { model, data }: EventOf<'plan.decided'>,
  fallback: BuiltInPlanner,
): { view: View; hints: Hints; seed: number } {
  const target = model as ModelId;
  const hints = hintsOf(state, target, data.viewNow);
  const view = viewFor(state, buildSharedView(state, data.viewNow), target);
  view.candidates = fallback.candidates(view, hints);
  return { view, hints, seed: data.seed };
}
