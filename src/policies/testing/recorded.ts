/**
 * A decision as it stands in the log, with the View that it was made from: the state is folded to where the planner was
 * asked, the View is built from it by the kernel's own code. Pure.
 */
import type { EventOf, Verdict } from '../../core/events.ts';
import { questionOf } from '../../core/history/decision.ts';
import type { BuiltInPlanner } from '../../core/plan.ts';
import { resolve } from '../../core/runtime/asking.ts';
import type { BuiltInName, Settings } from '../../core/settings.ts';
import type { State } from '../../core/state.ts';
import type { View } from '../../core/view.ts';
import { builtInPlanner } from '../built-in.ts';
import type { AnswerOf } from '../sandbox/types.ts';

export interface Recorded {
  decision: EventOf<'plan.decided'>;
  view: View;
  settings: Settings;
  fallback: BuiltInPlanner;
  /** What an answer to this View comes to: for a delegate what the built-in says. */
  resolve(said: AnswerOf['plan']): Verdict;
}

/** `state`: folded up to the decision's `viewPosition`. */
export function recordedFrom(decision: EventOf<'plan.decided'>, state: State): Recorded {
  const { settings } = state;
  const builtIn = (name: BuiltInName) => builtInPlanner(name, settings, state);
  const fallback = builtIn(settings.fallback);
  const { view, hints } = questionOf(state, decision, fallback);
  const seat = { name: 'policy', version: '1', planner: null, fallback, builtIn };
  return { decision, view, settings, fallback, resolve: (said) => resolve(said, seat, view, hints).verdict };
}
