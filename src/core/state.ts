/**
 * The state that is folded from the log, and nothing else. Every phase carries only its own fields. Owned and changed in
 * place by evolve.ts alone; everyone else gets it read-only and must not keep it.
 */
import type { BlockedOn, RequestKind, StopReason } from './events.ts';
import type { ModelId, Position, RequestId, RequestKey, RunId, SwapId } from './ids.ts';
import type { Memory, ModelSettings, Settings } from './settings.ts';

/** `leaving` is a draining after which models stay loaded, for the next start to adopt. */
export type RouterPhase = 'booting' | 'running' | 'draining' | 'leaving' | 'stopped';

/** What one live run has in every phase. */
interface RunBase {
  run: RunId;
  model: ModelId;
  startingAt: number;
  port: number | null;
  logFile: string;
  specDigest: string;
  /** What is reserved for it; null = not known, so everything. */
  memory: Memory | null;
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
  /** Durations of the last stops, newest last. */
  stopMs: number[];
  backoff: Backoff | null;
  /** When it was last loaded for idleness, or unloaded by hand: it is not loaded for idleness again before clients came. */
  idleLoadAt: number | null;
  /** Until when a policy keeps it from being unloaded for idleness. */
  keptUntil: number | null;
  pin: { owner: string; until: number | null } | null;
  asked: Demand;
  /** The last observations of what a run of it held, newest last: bytes by device. */
  memorySamples: Record<string, number>[];
  /** What its prompt cache is likely to hold; null when it is not loaded or served nothing yet. */
  cache: { tokens: number; prefillPerSecond: number | null } | null;
  /** Why its requests wait; null when none does or nothing is in the way. */
  blocked: { on: BlockedOn; until: number | null; reason: string; at: number } | null;
  /** A swap that was decided and waits for its victims to become idle. */
  pending: { evict: ModelId[]; epoch: number; plan: Position; reason: string; drain: boolean } | null;
}

/** When a model was asked for. */
export interface Demand {
  /** Times of the last arrivals, newest last. */
  recent: number[];
  /** Number of the five minutes that `counts` ends with. */
  bucket: number;
  /** Arrivals in each of the last twelve five minutes, newest last. */
  counts: number[];
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
  /** The model that it was moved away from. */
  redirectedFrom: ModelId | null;
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
  /** What is reserved for the target from now on; null = not known, so everything. */
  memory: Memory | null;
  /** When the last victim was gone; null while one lives. */
  clearedAt: number | null;
  /** What the devices held, and of that the victims, when it began; null where nothing was observed. */
  usedBefore: Record<string, { usedBytes: number; victimBytes: number }> | null;
  /** A wait for memory that is not free yet, and when it ends. */
  memoryWait: { since: number; until: number; over: boolean } | null;
}

/** What was seen of a device. */
export interface DeviceState {
  totalBytes: number;
  usedBytes: number;
  at: number;
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

/** A policy of the user's, as it was loaded last. */
export interface PolicyState {
  slot: string;
  file: string;
  name: string;
  sourceHash: string;
  optionsHash: string;
  hooks: { rank: boolean; idle: boolean; evolve: boolean };
  /** Times of its last failures. */
  strikes: number[];
  /** Why it is not asked any more, until it changes; null while it is. */
  disabled: string | null;
  /** Position of its `policy.loaded`. */
  loaded: Position;
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
  /** By slot: `live`, or the file of one in the shadow. */
  policies: Map<string, PolicyState>;
  /** When the policy in charge wants to be asked what to do while nothing waits; null = on changes only. */
  policyWakeAt: number | null;
  /** Order of targets as a policy put it; those that it did not name come last. */
  rank: ModelId[];
  devices: Map<string, DeviceState>;
  /** Since when no request of a client is open; null while one is. */
  idleSince: number | null;
  /** The load for idleness that is under way. */
  idleRequest: RequestKey | null;
  /** Sum of the steps of the wall clock since turnout started: local time is `at` plus this. */
  wallStepsMs: number;
  /** Requests served at once by a loaded model although an older one waited to swap it out. */
  swapsAvoided: number;
  logTroubled: { code: string; message: string; since: number } | null;
  stalled: string | null;
}
