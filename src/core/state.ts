/**
 * The state that is folded from the log, and nothing else. Every phase carries only its own fields. Owned and changed in
 * place by evolve.ts alone; everyone else gets it read-only and must not keep it.
 */
import type { BlockedOn, RequestKind, StopReason } from './events.ts';
import type { ModelId, Position, RequestId, RequestKey, RunId, SwapId } from './ids.ts';
import type { ModelSettings, Settings } from './settings.ts';

export type RouterPhase = 'booting' | 'running' | 'draining' | 'stopped';

/** What one live run has in every phase. */
interface RunBase {
  run: RunId;
  model: ModelId;
  startingAt: number;
  port: number | null;
  logFile: string;
  specDigest: string;
  /** null until the process was spawned. */
  pid: number | null;
  startTime: string | null;
  bootId: string | null;
}

export type Run =
  | (RunBase & { phase: 'starting'; deadline: number })
  | (RunBase & { phase: 'ready'; baseUrl: string; readyAt: number; loadMs: number })
  | (RunBase & {
      phase: 'stopping';
      reason: StopReason;
      since: number;
      killAt: number;
      /** KILL was ordered. */
      killed: boolean;
      /** Whether it had been ready, and since when. */
      readyAt: number | null;
    });

export interface Backoff {
  failures: number;
  until: number;
  why: string;
  tail: string[];
}

export interface ModelState {
  id: ModelId;
  settings: ModelSettings;
  /** False once it is gone from the configuration; kept while something of it is alive, or named by a swap. */
  configured: boolean;
  run: Run | null;
  /** Requests being served now. */
  serving: Set<RequestKey>;
  /** Those of `serving` on which no byte moves: they keep nobody waiting (kernel section 4). */
  quiet: Set<RequestKey>;
  /** Requests that wait, oldest first. Each position is also in `State.targets` through its model. */
  waiting: Set<RequestKey>;
  /** Waiters of the swap that loaded it which have not been answered to the end yet. */
  leases: Set<RequestKey>;
  /** End of the last request, or ready, whichever is later; null while not ready. */
  idleSince: number | null;
  lastClient: string | null;
  /** Durations of the last loads, newest last. */
  loadMs: number[];
  backoff: Backoff | null;
  /** Why its requests wait; null when none does or nothing is in the way. */
  blocked: { on: BlockedOn; until: number | null; reason: string; at: number } | null;
  /** A swap that was decided and waits for its victims to become idle. */
  pending: { evict: ModelId[]; epoch: number; plan: Position; reason: string; drain: boolean } | null;
}

export interface RequestState {
  key: RequestKey;
  id: RequestId;
  kind: RequestKind;
  model: ModelId;
  asked: string;
  client: string;
  session: string | null;
  endpoint: string;
  bytes: number;
  streaming: boolean;
  priority: number;
  arrivedAt: number;
  /** null while waiting. */
  granted: { run: RunId; at: number } | null;
}

export interface SwapState {
  id: SwapId;
  target: ModelId;
  evict: ModelId[];
  drain: Position | null;
  startedAt: number;
  /** The run it started, once it did. */
  run: RunId | null;
}

/** A committed drain (kernel section 4). At most one. */
export interface DrainState {
  id: Position;
  target: ModelId;
  evict: ModelId[];
  since: number;
  until: number;
  swap: SwapId | null;
}

export interface State {
  /** Position of the last event folded; 0 before the first. */
  position: Position;
  at: number;
  phase: RouterPhase;
  /** Position of the last `router.started`. */
  started: Position;
  seed: number;
  /** When draining began, else null. */
  drainingSince: number | null;
  /** Raised by whatever can change a planner's answer, never by request events (kernel section 3). */
  planEpoch: number;
  settings: Settings;
  configHash: string;
  models: Map<ModelId, ModelState>;
  /** Models that requests wait for. */
  targets: Set<ModelId>;
  /** Models with a live run. */
  alive: Set<ModelId>;
  requests: Map<RequestKey, RequestState>;
  swaps: Map<SwapId, SwapState>;
  drain: DrainState | null;
  logTroubled: { code: string; message: string; since: number } | null;
  stalled: string | null;
}
