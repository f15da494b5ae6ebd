/**
 * What the HTTP side and the command line may ask of the running kernel: the loop's type, without the loop.
 */
import type { Config, ModelConfig } from '../config/config.ts';
import type { Diagnostic } from '../config/diagnostics.ts';
import type { TurnoutEvent } from '../events.ts';
import type { ModelId, RequestId, RunId } from '../ids.ts';
import type { Arrival, ServeReport } from '../inputs.ts';
import type { Compaction, EventLog } from '../log/log.ts';
import type { State } from '../state.ts';
import type { PlanPreview } from './preview-types.ts';

export type Grant =
  | { granted: true; run: RunId; baseUrl: string; model: ModelConfig }
  | { granted: false; status: number; code: string; message: string; retryAfterSec: number | null };

/** One admitted (or refused) request. Exactly one of `leave` and `finish` ends a granted one; later calls do nothing. */
export interface Ticket {
  readonly id: RequestId;
  /** Set at once when the request could be served or refused without waiting. */
  readonly grant: Grant | null;
  /** Resolves with the grant; never rejects. After `leave` it stays pending. */
  wait(): Promise<Grant>;
  /** The client is gone, at whatever stage. */
  leave(sent: { status: number | null; bytes: number }): void;
  retried(reason: string): void;
  /** Bytes of something passed through stopped moving (since so many ms), or move again. */
  quiet(quiet: boolean, forMs: number): void;
  finish(report: ServeReport): void;
}

export interface HealthReport {
  ok: boolean;
  /** One line per thing that is not as it should be; requests are served all the same unless `ok` is false. */
  notes: string[];
  /** What is wrong with a configuration that was not applied; empty when there is none. */
  diagnostics: readonly Diagnostic[];
}

export interface Router {
  readonly log: EventLog;
  config(): Config;
  /** Live state; read it, never keep it. */
  state(): Readonly<State>;
  now(): number;
  newRequestId(): RequestId;
  admit(arrival: Arrival): Ticket;
  /** Applies another configuration: what did not change keeps running, requests finish (kernel section 6). */
  reload(config: Config): void;
  /** Stops these models (an empty list: all that run); resolves when they are gone. */
  unload(models: ModelId[], by: string): Promise<void>;
  /** Pins a model, in place of a pin that it has; resolves when that is durable. `until` null = until it is unpinned. */
  pin(model: ModelId, owner: string, until: number | null): Promise<void>;
  /** Resolves with whether it was pinned, once that is durable. */
  unpin(model: ModelId, by: string): Promise<boolean>;
  /** Forgets what was observed of a model's memory; resolves when that is durable. */
  forget(model: ModelId, by: string): Promise<void>;
  /** Lets old events leave the log now, as the configuration has it, and gives free room back. */
  compact(): Promise<Compaction>;
  /** What a request for this model would lead to now; changes nothing. */
  plan(model: ModelId): Promise<PlanPreview>;
  /** Events in order, as they become durable. */
  subscribe(listener: (events: readonly TurnoutEvent[]) => void): () => void;
  /** Keeps a line in the health report under this name; null takes it away. */
  note(name: string, text: string | null, diagnostics?: readonly Diagnostic[]): void;
  health(): HealthReport;
  /** Called when the notes of the health report changed. Returns the way to stop. */
  onHealth(listener: (report: HealthReport) => void): () => void;
  /**
   * First call drains and stops, a second one (or `force`) stops at once. Resolves when no child is left; with `keep` when
   * those are left alone that the next start will adopt.
   */
  shutdown(signal: string, how?: { force?: boolean; keep?: boolean }): Promise<void>;
}
