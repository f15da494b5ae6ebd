/**
 * What a planner is: it answers one question (a request waits for `target`, which is not serving: what now?) and never
 * acts. Built-ins and user policies get the same view; there is no privileged path. Types only.
 */
import type { IdleVerdict, PolicyVerdict, Verdict } from './events.ts';
import type { ModelId } from './ids.ts';
import type { Refusal } from './referee.ts';
import type { Requirements } from './rules.ts';
import type { Candidate, SharedView, View } from './view.ts';

/** What whoever delegates to a built-in asks of it: never evict `protect`; evict `prefer` first. */
export interface Hints {
  protect: readonly ModelId[];
  prefer: readonly ModelId[];
}

export const NO_HINTS: Hints = { protect: [], prefer: [] };

/** A verdict alone, or with what the policy wrote with `view.log()`. */
export type Said = PolicyVerdict | { verdict: PolicyVerdict; logs: string[] };

/** A planner of the user's. `seed` makes its chance repeatable. A promise that rejects leaves the decision to the fallback. */
export interface Planner {
  plan(view: View, seed: number): Said | PromiseLike<Said>;
  /** The order in which waiting models are asked about; null when it has none to give. */
  rank?(view: SharedView, seed: number): PromiseLike<ModelId[] | null>;
  /** What to do while nothing waits; null = nothing. */
  idle?(view: SharedView, seed: number): PromiseLike<IdleVerdict | null>;
  /** Is told that what it said is not allowed. */
  refused?(refusal: Refusal): void;
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
