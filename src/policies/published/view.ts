/**
 * The View as policies see it: the same picture that the kernel builds (core/view.ts), with plain strings for ids, frozen.
 * Types only; test/policies/published-types.test.ts holds that both stay the same. Times are ms, sizes bytes.
 */
import type { Names } from '../policy.ts';

type NameOf<Kind extends string> = Names extends { [K in Kind]: infer Name extends string } ? Name : string;

/** A model id of the configuration. @example 'qwen' */
export type ModelId = NameOf<'model'>;
/** A tag under `models.<id>.turnout.tags`. @example 'code' */
export type Tag = NameOf<'tag'>;
/** A group; models in none are in `(default)`. @example 'coding' */
export type GroupId = NameOf<'group'>;
/** A device under `turnout.devices`. @example 'gpu0' */
export type DeviceId = NameOf<'device'>;

/** Bytes on any device but `ram`, or by device. @example { gpu0: 12884901888 } */
export type Memory = number | { readonly [device: string]: number };

/** Local time in the zone of `turnout.timeZone`. @example view.local.hour >= 9 && view.local.weekday < 6 */
export interface LocalTime {
  /** With offset, to the second. @example '2026-01-05T09:00:00+01:00' */
  readonly iso: string;
  /** 0 = Sunday. @example view.local.weekday >= 1 && view.local.weekday <= 5 // Monday to Friday */
  readonly weekday: number;
  /** 0 to 23. @example view.local.hour >= 18 */
  readonly hour: number;
  /** 0 to 59. @example (60 - view.local.minute) * 60_000 // ms until the next full hour, about */
  readonly minute: number;
  /** Minutes ahead of UTC. @example 60 */
  readonly offsetMin: number;
}

/** A request that is being served. @example model.serving.some(({ client }) => client === 'anna') */
export interface ServingView {
  /** Its id, as in `x-turnout-request-id`. @example 'req_5kQ2' */
  readonly request: string;
  /** Label of the key, else a configured header, else user agent and address. @example 'open-webui 10.0.0.7' */
  readonly client: string;
  /** Of a client that names one. @example one.session !== null */
  readonly session: string | null;
  /** Its own, or that of its model; higher comes first. @example Math.max(...view.waiting.map((one) => one.priority)) */
  readonly priority: number;
  /** Since it arrived. @example one.ageMs > 30_000 */
  readonly ageMs: number;
}

/** A request that waits. @example view.waiting.filter(({ model }) => model === view.target) */
export interface WaitingView extends ServingView {
  /** What it waits for. @example one.model === view.target */
  readonly model: ModelId;
  /** The path that was asked. @example one.endpoint === '/v1/embeddings' */
  readonly endpoint: string;
  /** Size of its body. @example one.bytes > 1_000_000 */
  readonly bytes: number;
  /** Whether it wants its answer as a stream. @example view.waiting.filter((one) => !one.streaming) */
  readonly streaming: boolean;
}

/** One model of the configuration. @example view.models.find(({ id }) => id === 'qwen')?.idleMs */
export interface ModelView {
  /** As in the configuration; aliases are not seen here. @example model.id === view.target */
  readonly id: ModelId;
  /** What its process is at. @example view.models.filter((model) => model.phase === 'ready') */
  readonly phase: 'stopped' | 'starting' | 'ready' | 'stopping';
  /** Its group. @example model.group === 'coding' */
  readonly group: GroupId;
  /** Words of yours, of `models.<id>.turnout.tags`. @example model.tags.includes('code') */
  readonly tags: readonly Tag[];
  /** As configured, 0 where nothing is. @example a.priority - b.priority */
  readonly priority: number;
  /** Requests that it serves now. @example model.inFlight === 0 */
  readonly inFlight: number;
  /** Which those are. @example model.serving.map(({ client }) => client) */
  readonly serving: readonly ServingView[];
  /** Whom it served last, null if nobody. @example model.lastClient === 'anna' */
  readonly lastClient: string | null;
  /** Its run was started from an older configuration and ends when it serves nobody. @example !model.stale */
  readonly stale: boolean;
  /**
   * Since its last request ended (or it became ready); 0 while it serves, null while it is not ready.
   * @example (model.idleMs ?? 0) > 600_000
   */
  readonly idleMs: number | null;
  /** Since it became ready; null while it is not. @example (model.loadedMs ?? 0) < 60_000 */
  readonly loadedMs: number | null;
  /** How long loading took, as observed; null before the first time. @example model.loadMs.median ?? 30_000 */
  readonly loadMs: { readonly last: number | null; readonly median: number | null };
  /** Requests that arrived for it in the last hour. @example model.requestsLastHour > 10 */
  readonly requestsLastHour: number;
  /** How long ago the last few of them did, newest first. @example (model.askedAgoMs[0] ?? Infinity) < 60_000 */
  readonly askedAgoMs: readonly number[];
  /** Tokens that its prompt cache is likely to hold; null where nothing is known. @example model.cachedTokens ?? 0 */
  readonly cachedTokens: number | null;
  /** Tokens of a prompt that it reads in a second; null where nothing is known. @example model.prefillPerSecond ?? 500 */
  readonly prefillPerSecond: number | null;
  /** Longest prompt in tokens, as configured; 0 = not told. @example model.context >= 32_768 */
  readonly context: number;
  /** What it takes. @example model.memory.counts */
  readonly memory: {
    /** As configured; null = not told. @example 12884901888 */
    readonly declared: Memory | null;
    /** As it was seen, by device; null = never. @example model.memory.observed?.['gpu0'] */
    readonly observed: { readonly [device: string]: number } | null;
    /** What counts: reserved while it is alive, else expected; null = not known. @example { gpu0: 12884901888 } */
    readonly counts: Memory | null;
  };
  /** Who pinned it, and until when (null = no end). @example model.pinned === null */
  readonly pinned: { readonly owner: string; readonly until: number | null } | null;
  /** Whether `turnout.protect` names it. @example view.models.some((model) => model.protected) */
  readonly protected: boolean;
  /**
   * Expected ms until it could serve, were it started now (or until the start under way is done); null when it can.
   * @example (model.etaMs ?? 0) < 5_000
   */
  readonly etaMs: number | null;
  /**
   * Whether a swap could stop it now, else what is in the way. Busy is not illegal: such a swap waits.
   * @example model.evictable === true || model.evictable.rule === 'busy'
   */
  readonly evictable:
    | true
    | { readonly rule: 'busy' | 'lease' | 'minResidency' | 'swap' | 'pinned' | 'protected'; readonly until?: number };
}

/** A device with memory. @example view.devices[0]?.totalBytes */
export interface DeviceView {
  /** As in `turnout.devices`. @example 'gpu0' */
  readonly id: DeviceId;
  /** As configured. @example 25769803776 */
  readonly totalBytes: number;
  /** Observed; null without a tool that tells. @example (device.freeBytes ?? 0) > 2 ** 30 */
  readonly freeBytes: number | null;
  /** By runs that are alive or about to start, where known. @example device.totalBytes - device.reservedBytes */
  readonly reservedBytes: number;
}

/**
 * Models that could be evicted for the target: legal under the fallback planner, nothing pinned or protected among them.
 * @example view.candidates.find(({ evict }) => !evict.includes('qwen'))
 */
export interface Candidate {
  /** Empty when there is room. @example [...candidate.evict] */
  readonly evict: readonly ModelId[];
  /** Bytes that would be free then, where the fallback counts memory; else 0. @example candidate.frees */
  readonly frees: number;
  /** Expected ms of loading again what is evicted, weighted by how likely that is. @example candidate.reloadMs < 10_000 */
  readonly reloadMs: number;
  /** Why the fallback would. @example { action: 'swap', evict: [...candidate.evict], reason: candidate.reason } */
  readonly reason: string;
}

/** A swap under way. @example view.swaps.some(({ target }) => target === 'qwen') */
export interface Swap {
  /** What is to be loaded. @example swap.target === view.target */
  readonly target: ModelId;
  /** What leaves for it. @example swap.evict.includes(view.target) */
  readonly evict: readonly ModelId[];
  /** What it is at. @example 'starting' */
  readonly phase: 'stopping' | 'starting';
  /** Since it began. @example swap.ageMs > 60_000 */
  readonly ageMs: number;
}

/** What the kernel tells: a picture of one position of the log, about no target. @example SharedView, View */
export interface SharedFacts {
  /** Position in the log. @example 48213 */
  readonly position: number;
  /** ms since 1970: the only clock that a policy has. @example view.now + 60_000 */
  readonly now: number;
  /** The same as people say it. @example view.local.hour */
  readonly local: LocalTime;
  /** The first 256 waiting requests, oldest first. @example view.waiting[0]?.ageMs */
  readonly waiting: readonly WaitingView[];
  /** How many wait for each model; only models that somebody waits for. @example Object.keys(view.waitingTotal) */
  readonly waitingTotal: { readonly [model: string]: number };
  /** In the order of the configuration. @example view.models.filter(({ phase }) => phase === 'ready') */
  readonly models: readonly ModelView[];
  /** Swaps under way. @example view.swaps.length */
  readonly swaps: readonly Swap[];
  /** Models that are being emptied for a request that has waited too long. @example view.draining?.evict ?? [] */
  readonly draining: { readonly target: ModelId; readonly evict: readonly ModelId[] } | null;
  /** As in `turnout.devices`. @example view.devices.find(({ id }) => id === 'gpu0') */
  readonly devices: readonly DeviceView[];
  /** What a request gets for which something pinned or protected would have to leave. @example 'queue' */
  readonly whenProtected: 'refuse' | 'queue';
}

/** What is added for `plan`. @example View */
export interface TargetFacts {
  /** The model that requests wait for. @example view.models.find(({ id }) => id === view.target) */
  readonly target: ModelId;
  /** Ids of those requests, oldest first. @example view.waiting.find(({ request }) => request === view.asking[0]) */
  readonly asking: readonly string[];
  /** Legal evictions under the fallback planner, cheapest first, at most 20. @example view.candidates[0]?.evict ?? [] */
  readonly candidates: readonly Candidate[];
}

/** What belongs to the policy itself. @example View<OptionsOf<typeof options>, { swaps: number }> */
export interface OwnFacts<O, S> {
  /** The policy's options, defaults filled in. @example view.options.keep.includes(view.target) */
  readonly options: O;
  /** What `initial` and `evolve` returned last; null without them. @example view.state.swaps */
  readonly state: S;
  /** A number from 0 up to but not 1, the same one whenever this decision is made again. @example view.random() < 0.1 */
  random(): number;
  /** Keeps a line with the decision: at most 100 of 500 characters. @example view.log(`idle: ${model.idleMs}`) */
  log(text: string): void;
}

/**
 * What `plan` is given. Frozen: copy what you want to sort.
 * @example plan: (view) => ({ action: 'delegate', protect: view.local.hour < 18 ? ['qwen'] : [] })
 */
export type View<O = { readonly [name: string]: unknown }, S = unknown> = SharedFacts & TargetFacts & OwnFacts<O, S>;

/** What `rank` and `idle` are given: a View that is about no target. @example idle: (view) => ({ action: 'none' }) */
export type SharedView<O = { readonly [name: string]: unknown }, S = unknown> = SharedFacts & OwnFacts<O, S>;
