/**
 * The dictionary: everything that can stand in the log. Read this first. Events are facts in the past tense; each has a
 * one-line meaning in event-meaning.ts, from which docs/events.md is generated. Prompts, answers, keys and header values
 * other than those named in the config never appear here.
 * Must never import anything but ids and settings.
 */
import type { ModelId, Position, RequestId, RequestKey, RunId, SwapId } from './ids.ts';
import type { BuiltInName, Memory, Settings } from './settings.ts';

export type BlockedOn = 'planner' | 'swap' | 'drain' | 'until' | 'pin' | 'turn';
export type StopReason =
  | 'swap'
  | 'ttl'
  | 'policy'
  | 'unload'
  | 'shutdown'
  | 'health-timeout'
  | 'previous-run'
  | 'stale';
/** `idle`: turnout's own, a load that nobody asked for (`whenIdle`, `keepWarm`). */
export type RequestKind = 'inference' | 'passthrough' | 'load' | 'idle';

/** Token counts and speeds as the upstream reported them (spec 6.2). Absent = not reported. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  cachedTokens?: number;
  promptPerSecond?: number;
  tokensPerSecond?: number;
  draftTokens?: number;
  draftAcceptedTokens?: number;
}

/** How serving a request ended: `cut` = the upstream broke after its head, `no-answer` = before it. */
export type ServeOutcome = 'ok' | 'cut' | 'no-answer' | 'timeout';

/** What a planner considered beside what it chose: a set of models to evict, and what that would cost. */
export interface Alternative {
  evict: ModelId[];
  /** Expected ms of loading again what is evicted; the unit in which alternatives are compared. */
  costMs: number;
  reason: string;
}

/** `requests`: only these of those that ask; the rest are asked about again. Default: all. `alternatives`: at most 5. */
export type Verdict =
  | { action: 'swap'; evict: ModelId[]; reason: string; when?: 'idle' | 'drain'; alternatives?: Alternative[] }
  /** `on: 'pin'`: it waits for a pin or a protection to end. Without `forMs` it is asked again when something changes. */
  | { action: 'wait'; forMs?: number; on?: 'pin'; reason: string; alternatives?: Alternative[] }
  | { action: 'reject'; status: 409 | 429 | 503; retryAfterSec?: number; reason: string; requests?: RequestId[] }
  | { action: 'redirect'; model: ModelId; reason: string; requests?: RequestId[] };

/** What a policy may say beside that: ask a built-in (its fallback unless named), which must not evict `protect` and evicts `prefer` first. */
export type PolicyVerdict =
  | Verdict
  | { action: 'delegate'; planner?: BuiltInName; protect?: ModelId[]; prefer?: ModelId[]; reason?: string };

/** What went wrong in a policy, and where. Lines and columns count from 1. */
export interface PolicyFaultData {
  kind: 'throw' | 'timeout' | 'memory' | 'nonsense' | 'too-long' | 'syntax' | 'shape' | 'dead' | 'illegal';
  during: 'load' | 'initial' | 'evolve' | 'plan' | 'rank' | 'idle';
  message: string;
  file: string;
  line: number | null;
  column: number | null;
  excerpt: string | null;
}

/** What a policy may say while nothing waits. `wakeAt`: ms since 1970, when it is asked again although nothing changed. */
export type IdleVerdict = (
  | { action: 'load' | 'unload'; model: ModelId; reason: string }
  | { action: 'none'; reason?: string }
) & {
  wakeAt?: number;
  /** Models that are not unloaded for idleness before `until` (ms since 1970). */
  keep?: { model: ModelId; until: number }[];
};

/** Who decided: of a policy its source and options too, by their hashes. */
export interface DecidedBy {
  name: string;
  version: string;
  sourceHash?: string;
  optionsHash?: string;
}

/** `data` of each event type. Times are ms since 1970 unless the name says otherwise; `...Ms` are durations. */
export interface EventData {
  'router.started': {
    instance: string;
    pid: number;
    version: string;
    node: string;
    bootId: string;
    seed: number;
    /** Position of the `router.started` that never stopped, if the last one was killed. */
    unfinished: Position | null;
  };
  /** `keep`: models stay loaded for the next start. */
  'router.draining': { signal: string; keep?: true };
  /** `left`: models that go on running, for the next start to adopt. */
  'router.stopped': { left?: ModelId[] };
  'clock.stepped': { byMs: number };
  'config.applied': { hash: string; trigger: 'start' | 'reload'; settings: Settings };
  'log.gap': { count: number };
  'log.troubled': { code: string; message: string };
  'log.recovered': { waitedMs: number; kept: number };
  'log.replaced': { reason: string; movedTo: string };
  /** `state` as the state codec writes it. Stands at the position of the last event that it holds. */
  'log.rebased': { stateVersion: number; state: object };

  'request.arrived': {
    id: RequestId;
    kind: RequestKind;
    /** The name that the client used. */
    asked: string;
    client: string;
    session: string | null;
    method: string;
    endpoint: string;
    bytes: number;
    streaming: boolean;
    priority: number;
  };
  'request.granted': { run: RunId; waitedMs: number };
  /** The event's model is the one that was asked for. */
  'request.redirected': { to: ModelId; reason: string };
  'request.retried': { reason: string };
  'request.quieted': { forMs: number };
  'request.resumed': Record<string, never>;
  'request.finished': {
    outcome: ServeOutcome;
    status: number;
    bytes: number;
    firstByteMs: number | null;
    totalMs: number;
    usage: Usage | null;
    error: string | null;
  };
  'request.rejected': { status: number; code: string; reason: string; retryAfterSec: number | null };
  'request.cancelled': { stage: 'waiting' | 'serving'; status: number | null; bytes: number };
  'request.lost': { stage: 'waiting' | 'serving' };

  'plan.decided': {
    epoch: number;
    viewPosition: Position;
    viewNow: number;
    seed: number;
    planner: DecidedBy;
    via: 'live' | 'fallback' | 'delegate';
    verdict: Verdict;
    /** What the policy wrote with `view.log()`; absent when nothing. */
    logs?: string[];
    outcome: 'started' | 'pending' | 'waiting' | 'rejected' | 'redirected';
  };
  /** `slot`: `live`, or the file of a policy in the shadow. */
  'policy.loaded': {
    slot: string;
    file: string;
    name: string;
    sourceHash: string;
    optionsHash: string;
    hooks: { rank: boolean; idle: boolean; evolve: boolean };
  };
  'policy.refused': { slot: string; fault: PolicyFaultData };
  'policy.failed': { slot: string; fault: PolicyFaultData; strike: number };
  'policy.disabled': { slot: string; why: string };
  'policy.unloaded': { slot: string };
  'policy.idled': { epoch: number; verdict: IdleVerdict };
  /** `plan`: the decision of the one in charge. */
  'policy.disagreed': { plan: Position; slot: string; verdict: PolicyVerdict; reason: string };
  'targets.ranked': { order: ModelId[] };

  'plan.rejected': { rule: string; detail: string; verdict: Verdict };
  'target.blocked': { on: BlockedOn; until: number | null; reason: string };

  'swap.draining': { evict: ModelId[]; until: number; reason: string };
  'drain.ended': { drain: Position; why: 'served' | 'timeout' | 'nobody-waits' | 'failed' };
  'swap.started': { evict: ModelId[]; drain: Position | null; plan: Position | null };
  'swap.finished': { swap: SwapId; ok: boolean; why: string | null; tookMs: number };
  'swap.abandoned': { swap: SwapId; why: string };

  'process.starting': {
    /** Absolute time at which a run that is not ready is given up. */
    deadline: number;
    port: number | null;
    logFile: string;
    specDigest: string;
    swap: SwapId | null;
    /** What is reserved for it until it is gone; null = not known, so everything. */
    memory: Memory | null;
  };
  'process.spawned': { run: RunId; pid: number; startTime: string; bootId: string };
  'process.ready': { run: RunId; baseUrl: string; loadMs: number };
  'process.adopted': {
    run: RunId;
    pid: number;
    startTime: string;
    bootId: string;
    /** Where it answered its health check, or will once it is loaded. */
    baseUrl: string;
    /** How the turnout before this one ended: it died, it left its models running, or it handed over to this one. */
    how: 'killed' | 'kept' | 'handed-over';
    /** null = it is ready; else it goes on loading until then at the latest. */
    deadline: number | null;
  };
  'process.stopping': { run: RunId; reason: StopReason; killAt: number; detail: string | null };
  'process.killed': { run: RunId; why: string };
  'process.exited': {
    run: RunId;
    code: number | null;
    signal: string | null;
    /** Who ended it. `spawn` = it never ran; `unknown` = not our child any more (after a restart). */
    by: 'itself' | 'turnout' | 'oom-killer' | 'another' | 'spawn' | 'unknown';
    detail: string | null;
    /** Its last lines of output when it ended before it was ready; none of one that may have printed prompts. */
    tail: string[];
  };
  'process.flooded': { run: RunId; bytesPerSec: number };
  'model.backed-off': { run: RunId; failures: number; until: number; why: string; tail: string[] };
  'model.pinned': { owner: string; until: number | null };
  'model.unpinned': { by: string; why: 'operator' | 'expired' | 'replaced' };
  /** Bytes by device that the process family of a run holds. */
  'memory.observed': { run: RunId; bytes: Record<string, number> };
  'memory.forgotten': { by: string };
  'memory.short': { swap: SwapId; missing: Record<string, number>; until: number };
  'memory.awaited': { swap: SwapId; why: 'freed' | 'timeout' | 'unobserved'; waitedMs: number };
  'devices.sampled': { devices: { id: string; totalBytes: number; usedBytes: number }[] };
  'unload.requested': { models: ModelId[]; by: string; cause: 'operator' | 'shutdown' };
  'stall.detected': { what: string; repaired: boolean };
}

export type EventType = keyof EventData;

/** What `decide` returns; the loop adds position and time. */
export type Draft = {
  [T in EventType]: {
    type: T;
    model?: ModelId;
    request?: RequestKey;
    /** Position of the event that led to this one. */
    cause?: Position;
    data: EventData[T];
  };
}[EventType];

/** An event as it stands in the log. `at` is turnout's own clock: wall time at start plus monotonic time. */
export type TurnoutEvent = Draft & { position: Position; at: number; version: number };

/** The event of one type. */
export type EventOf<T extends EventType> = Extract<TurnoutEvent, { type: T }>;

/** Version of each type's `data`. Raised with an upcaster in log/upcast.ts, never without. */
export const VERSION: Record<EventType, number> = {
  'router.started': 1,
  'router.draining': 1,
  'router.stopped': 1,
  'clock.stepped': 1,
  'config.applied': 2,
  'log.gap': 1,
  'log.troubled': 1,
  'log.recovered': 1,
  'log.replaced': 1,
  'log.rebased': 1, // STATE_VERSION
  'request.arrived': 1,
  'request.granted': 1,
  'request.redirected': 1,
  'request.retried': 1,
  'request.quieted': 1,
  'request.resumed': 1,
  'request.finished': 1,
  'request.rejected': 1,
  'request.cancelled': 1,
  'request.lost': 1,
  'plan.decided': 1,
  'policy.loaded': 1,
  'policy.refused': 1,
  'policy.failed': 1,
  'policy.disabled': 1,
  'policy.unloaded': 1,
  'policy.idled': 1,
  'policy.disagreed': 1,
  'targets.ranked': 1,
  'plan.rejected': 1,
  'target.blocked': 1,
  'swap.draining': 1,
  'drain.ended': 1,
  'swap.started': 1,
  'swap.finished': 1,
  'swap.abandoned': 1,
  'process.starting': 2,
  'process.spawned': 1,
  'process.ready': 1,
  'process.adopted': 1,
  'process.stopping': 1,
  'process.killed': 1,
  'process.exited': 1,
  'process.flooded': 1,
  'model.backed-off': 1,
  'model.pinned': 1,
  'model.unpinned': 1,
  'memory.observed': 1,
  'memory.forgotten': 1,
  'memory.short': 1,
  'memory.awaited': 1,
  'devices.sampled': 1,
  'unload.requested': 1,
  'stall.detected': 1,
};
