/**
 * The seam behind which policies of users run (design section 5): a host that can be asked and never harms nor blocks. Types
 * only; the host itself is policies/sandbox, which the core does not know.
 */
import type { Json } from '../config/canonical.ts';
import type { IdleVerdict, PolicyFaultData, PolicyVerdict } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';

export interface PolicyProgram {
  /** Name of the place that it takes in the host. */
  slot: string;
  file: string;
  /** As written. */
  source: string;
  options: { [name: string]: Json };
  /** Ids that options of type `model` may name. */
  models: readonly ModelId[];
  live: boolean;
  /** Its memory is rebuilt from the events up to here. */
  position: Position;
}

export interface PolicyShape {
  name: string;
  hooks: { rank: boolean; idle: boolean; initial: boolean; evolve: boolean };
  /** Types of the events that `evolve` wants. */
  events: string[];
}

export interface PolicyFault extends Omit<PolicyFaultData, 'kind'> {
  kind: Exclude<PolicyFaultData['kind'], 'illegal'>;
  /** False when the policy had no part in it. */
  guilty: boolean;
  /** Each option that is not right, when that is what is wrong. */
  problems: { option: string; message: string }[];
}

export type PolicyResult<T> = { ok: true; value: T } | { ok: false; fault: PolicyFault };

export interface PolicyAnswers {
  plan: PolicyVerdict;
  rank: ModelId[];
  idle: IdleVerdict;
}

export interface PolicyReply<T> {
  answer: T;
  /** What the policy wrote with `view.log()`. */
  logs: string[];
}

export interface PolicyPort {
  load(program: PolicyProgram): Promise<PolicyResult<PolicyShape>>;
  /** Events since the last call; `upTo` = position of the last one looked at. */
  evolve(slot: string, upTo: Position, eventsJson: readonly string[]): void;
  /** Always settles, never rejects. */
  ask<H extends keyof PolicyAnswers>(
    slot: string,
    hook: H,
    viewJson: string,
    seed: number,
  ): Promise<PolicyResult<PolicyReply<PolicyAnswers[H]>>>;
  drop(slot: string): void;
  close(): Promise<void>;
}

export interface PolicyPortOptions {
  /** The events of these types up to a position, as JSON, in order. */
  replay(question: { types: readonly string[]; upTo: Position }): AsyncIterable<readonly string[]>;
  /** A fault that nobody waits for. */
  onFault(slot: string, fault: PolicyFault): void;
}
