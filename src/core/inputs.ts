/**
 * What the world reports to the kernel, named by the reporter. Reports, never orders.
 * Every input enters through the loop's mailbox.
 */
import type { ChildFound } from './adoption.ts';
import type {
  DecidedBy,
  EventData,
  IdleVerdict,
  PolicyFaultData,
  PolicyVerdict,
  RequestKind,
  ServeOutcome,
  Usage,
  Verdict,
} from './events.ts';
import type { ModelId, Position, RequestId, RequestKey, RunId } from './ids.ts';
import type { Refusal } from './referee.ts';
import type { Settings } from './settings.ts';

export interface Arrival {
  id: RequestId;
  kind: RequestKind;
  /** The model that the asked name resolves to, or null. */
  model: ModelId | null;
  asked: string;
  client: string;
  session: string | null;
  method: string;
  endpoint: string;
  bytes: number;
  streaming: boolean;
}

/** How serving went, as the relay saw it. */
export interface ServeReport {
  outcome: ServeOutcome;
  status: number;
  bytes: number;
  firstByteMs: number | null;
  usage: Usage | null;
  error: string | null;
}

/** One device at one moment. Bytes. */
export interface DeviceSample {
  id: string;
  totalBytes: number;
  usedBytes: number;
}

export type Input =
  /** `children`: what was found of each run that the log says is alive; none named, none is adopted. */
  | {
      type: 'router.boot';
      started: EventData['router.started'];
      replaced: EventData['log.replaced'] | null;
      children?: readonly ChildFound[];
      /** This is the successor to which the turnout before handed over. */
      handedOver?: boolean;
    }
  | { type: 'config.loaded'; hash: string; trigger: 'start' | 'reload'; settings: Settings }
  | { type: 'http.request'; arrival: Arrival }
  /** The client left while waiting or being served. */
  | { type: 'http.gone'; request: RequestKey; status: number | null; bytes: number }
  /** Bytes of something passed through stopped moving, or move again. */
  | { type: 'http.quiet'; request: RequestKey; quiet: boolean; forMs: number }
  | { type: 'http.retried'; request: RequestKey; reason: string }
  | { type: 'http.done'; request: RequestKey; report: ServeReport }
  | { type: 'child.spawned'; run: RunId; pid: number; startTime: string; bootId: string }
  | { type: 'child.ready'; run: RunId; baseUrl: string }
  | {
      type: 'child.exited';
      run: RunId;
      code: number | null;
      signal: string | null;
      by: EventData['process.exited']['by'];
      detail: string | null;
      tail: string[];
    }
  | { type: 'child.flooded'; run: RunId; bytesPerSec: number }
  | { type: 'clock.reached' }
  | { type: 'clock.stepped'; byMs: number }
  | { type: 'planner.answer'; target: ModelId; answer: PlannerAnswer }
  /** What a planner said is not allowed; somebody else is asked in its place. */
  | { type: 'planner.refused'; target: ModelId; refusal: Refusal; verdict: Verdict }
  | { type: 'policy.loaded'; loaded: EventData['policy.loaded'] }
  | { type: 'policy.refused'; slot: string; fault: PolicyFaultData }
  /** `guilty` false: it had no part in it (its host died), which is no strike. */
  | { type: 'policy.failed'; slot: string; fault: PolicyFaultData; guilty: boolean }
  | { type: 'policy.unloaded'; slot: string }
  | { type: 'policy.idle'; epoch: number; verdict: IdleVerdict }
  | { type: 'policy.ranked'; epoch: number; order: ModelId[] }
  | { type: 'policy.disagreed'; plan: Position; slot: string; verdict: PolicyVerdict; reason: string }
  | { type: 'operator.unload'; models: ModelId[]; by: string }
  | { type: 'operator.pin'; model: ModelId; owner: string; until: number | null }
  | { type: 'operator.unpin'; model: ModelId; by: string }
  /** Forgets the memory samples of a model. */
  | { type: 'operator.forget'; model: ModelId; by: string }
  /** What the devices hold, and what of it belongs to which run (only runs that could be told apart). */
  | { type: 'devices.sampled'; devices: DeviceSample[]; runs: { run: RunId; bytes: Record<string, number> }[] }
  /** `keep`: models stay loaded, for the next start to adopt. */
  | { type: 'operator.shutdown'; signal: string; force: boolean; keep?: boolean }
  | { type: 'log.troubled'; code: string; message: string }
  /** The log file had to be given up while running; a fresh one goes on. */
  | { type: 'log.replaced'; reason: string; movedTo: string }
  | { type: 'log.recovered'; waitedMs: number; kept: number; lost: number };

/** The input of one type. */
export type InputOf<T extends Input['type']> = Extract<Input, { type: T }>;

/** An answer together with what it was asked about. */
export interface PlannerAnswer {
  epoch: number;
  viewPosition: number;
  viewNow: number;
  seed: number;
  planner: DecidedBy;
  via: 'live' | 'fallback' | 'delegate';
  verdict: Verdict;
  logs?: string[];
}
