/**
 * What a planner is: it answers one question (a request waits for `target`, which is not serving: what now?) and never
 * acts. Built-ins and user policies get the same view; there is no privileged path. Types only.
 */
import type { PolicyVerdict, Verdict } from './events.ts';
import type { ModelId } from './ids.ts';
import type { Requirements } from './rules.ts';
import type { Candidate, View } from './view.ts';

/** What whoever delegates to a built-in asks of it: never evict `protect`; evict `prefer` first. */
export interface Hints {
  protect: readonly ModelId[];
  prefer: readonly ModelId[];
}

export const NO_HINTS: Hints = { protect: [], prefer: [] };

export interface Planner {
  plan(view: View): PolicyVerdict | PromiseLike<PolicyVerdict>;
}

/** A planner that is part of turnout: pure, answers at once, and can tell what cannot stand beside a target. */
export interface BuiltInPlanner extends Requirements {
  readonly name: string;
  readonly version: string;
  /** Legal evictions for the view's target, cheapest first, at most `LIMITS.candidatesMax`; `view.candidates` is empty here. */
  candidates(view: View, hints: Hints): Candidate[];
  /** `view.candidates` holds what `candidates` said for the same view and hints. */
  plan(view: View, hints: Hints): Verdict;
}
