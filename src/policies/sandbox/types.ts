/**
 * What the policy host offers and what it is given. A policy is one ES module; the host runs it in a child process, each
 * call in a fresh context. Says more than the seam in core/runtime/policy-port.ts, which it fits.
 * Must never need anything that runs.
 */
import type { Json } from '../../core/config/canonical.ts';
import type { ModelId, Position } from '../../core/ids.ts';
import type * as port from '../../core/runtime/policy-port.ts';
import type { OptionsSchema } from './options.ts';

export type { PolicyFault, PolicyResult } from '../../core/runtime/policy-port.ts';

/** What each question is answered with: the models that wait in an order, for `rank`. */
export type AnswerOf = port.PolicyAnswers;

/** The questions that a policy answers. `evolve` and `initial` are not questions: they fold events. */
export type Hook = keyof AnswerOf;

export type FaultKind = port.PolicyFault['kind'];

/** Of the path only the last part is visible inside the sandbox; of `.ts` and `.mts` the types are stripped there. */
export interface PolicyProgram extends Omit<port.PolicyProgram, 'models'> {
  /** Ids that options of type `model` may name; absent = any. */
  models?: readonly ModelId[];
}

export interface PolicyShape extends port.PolicyShape {
  apiVersion: 1;
  optionsSchema: OptionsSchema;
  /** As given, with defaults filled in. */
  options: { [name: string]: Json };
}

export interface PolicyReply<H extends Hook> extends port.PolicyReply<AnswerOf[H]> {
  /** Inside the sandbox, ms. */
  tookMs: number;
}

export interface SlotStatus {
  slot: string;
  file: string;
  /** `broken`: it answers every question with its fault until it is loaded again. */
  phase: 'loading' | 'ready' | 'broken';
  fault: port.PolicyFault | null;
}

export interface PolicyHostStatus {
  /** `idle`: nothing is loaded yet, so there is no child. */
  phase: 'idle' | 'starting' | 'ready' | 'waiting' | 'closed';
  pid: number | null;
  /** How often the child was started, and in how many ms it will be when `phase` is `waiting`. */
  starts: number;
  restartInMs: number | null;
  /** How the last child ended, null if none has. */
  lastEnd: string | null;
  slots: SlotStatus[];
}

export interface PolicyHost {
  /** Compiles a program, checks its shape and options and rebuilds its memory. Never rejects. */
  load(program: PolicyProgram): Promise<port.PolicyResult<PolicyShape>>;
  /**
   * Events since the last call, as JSON, in order; `upTo` is the position of the last one that was looked at, wanted or not.
   * Only here does the memory of a policy change. What fails is told by `onFault` and by the next question.
   */
  evolve(slot: string, upTo: Position, eventsJson: readonly string[]): void;
  /** Asks. The view is a JSON object. Always settles within the answer deadline, never rejects. */
  ask<H extends Hook>(
    slot: string,
    hook: H,
    viewJson: string,
    seed: number,
  ): Promise<port.PolicyResult<PolicyReply<H>>>;
  drop(slot: string): void;
  close(): Promise<void>;
  status(): PolicyHostStatus;
}

export interface PolicyHostOptions {
  /** The events of these types up to a position, as JSON, in order, in pieces of any size. */
  replay?(question: { slot: string; types: readonly string[]; upTo: Position }): AsyncIterable<readonly string[]>;
  /** A fault that nobody waits for: in `evolve`, or when programs are loaded again after the child died. */
  onFault?(slot: string, fault: port.PolicyFault): void;
  /** Another child than turnout's own; for tests. */
  command?: { file: string; args: readonly string[] };
}
