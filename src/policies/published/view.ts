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
  /** 0 = Sunday. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly offsetMin: number;
}

/** A request that is being served. @example model.serving.some(({ client }) => client === 'anna') */
export interface ServingView {
  readonly request: string;
  /** Label of the key, else a configured header, else user agent and address. */
  readonly client: string;
  readonly session: string | null;
  readonly priority: number;
  /** Since it arrived. */
  readonly ageMs: number;
}

/** A request that waits. @example view.waiting.filter(({ model }) => model === view.target) */
export interface WaitingView extends ServingView {
  /** What it waits for. */
  readonly model: ModelId;
  readonly endpoint: string;
  /** Size of its body. */
  readonly bytes: number;
  readonly streaming: boolean;
}

/** One model of the configuration. @example view.models.find(({ id }) => id === 'qwen')?.idleMs */
export interface ModelView {
  readonly id: ModelId;
  readonly phase: 'stopped' | 'starting' | 'ready' | 'stopping';
  readonly group: GroupId;
  readonly tags: readonly Tag[];
  readonly priority: number;
  /** Requests that it serves now. */
  readonly inFlight: number;
  readonly serving: readonly ServingView[];
  /** Whom it served last, null if nobody. */
  readonly lastClient: string | null;
  /** Its run was started from an older configuration and ends when it serves nobody. */
  readonly stale: boolean;
  /** Since its last request ended (or it became ready); 0 while it serves, null while it is not ready. */
  readonly idleMs: number | null;
  /** Since it became ready; null while it is not. */
  readonly loadedMs: number | null;
  /** How long loading took, as observed. */
  readonly loadMs: { readonly last: number | null; readonly median: number | null };
  /** Requests that arrived for it in the last hour, and how long ago the last few did, newest first. */
  readonly requestsLastHour: number;
  readonly askedAgoMs: readonly number[];
  /** Tokens that its prompt cache is likely to hold, and how fast it reads new ones; null where nothing is known. */
  readonly cachedTokens: number | null;
  readonly prefillPerSecond: number | null;
  /** Longest prompt in tokens, as configured; 0 = not told. */
  readonly context: number;
  /** Declared, observed, and what counts: reserved while it is alive, else expected; null = not known. */
  readonly memory: {
    readonly declared: Memory | null;
    readonly observed: { readonly [device: string]: number } | null;
    readonly counts: Memory | null;
  };
  readonly pinned: { readonly owner: string; readonly until: number | null } | null;
  readonly protected: boolean;
  /** Expected ms until it could serve, were it started now (or until the start under way is done); null when it can. */
  readonly etaMs: number | null;
  /** Whether a swap could stop it now, else what is in the way. Busy is not illegal: such a swap waits. */
  readonly evictable:
    | true
    | { readonly rule: 'busy' | 'lease' | 'minResidency' | 'swap' | 'pinned' | 'protected'; readonly until?: number };
}

/** A device with memory. @example view.devices[0]?.totalBytes */
export interface DeviceView {
  readonly id: DeviceId;
  readonly totalBytes: number;
  /** Observed; null without a tool that tells. */
  readonly freeBytes: number | null;
  /** By runs that are alive or about to start, where their size is known by device. */
  readonly reservedBytes: number;
}

/**
 * Models that could be evicted for the target: legal under the fallback planner, nothing pinned or protected among them.
 * @example view.candidates.find(({ evict }) => !evict.includes('qwen'))
 */
export interface Candidate {
  readonly evict: readonly ModelId[];
  /** Bytes that would be free then, where the fallback counts memory; else 0. */
  readonly frees: number;
  /** Expected ms of loading again what is evicted, weighted by how likely that is. */
  readonly reloadMs: number;
  readonly reason: string;
}

/** A swap under way. @example view.swaps.some(({ target }) => target === 'qwen') */
export interface Swap {
  readonly target: ModelId;
  readonly evict: readonly ModelId[];
  readonly phase: 'stopping' | 'starting';
  readonly ageMs: number;
}

/** What the kernel tells: a picture of one position of the log, about no target. */
export interface SharedFacts {
  /** Position in the log. */
  readonly position: number;
  /** ms since 1970: the only clock that a policy has. */
  readonly now: number;
  readonly local: LocalTime;
  /** The first 256 waiting requests, oldest first. */
  readonly waiting: readonly WaitingView[];
  /** How many wait for each model; only models that somebody waits for. */
  readonly waitingTotal: { readonly [model: string]: number };
  /** In the order of the configuration. */
  readonly models: readonly ModelView[];
  readonly swaps: readonly Swap[];
  /** Models that are being emptied for a request that has waited too long. */
  readonly draining: { readonly target: ModelId; readonly evict: readonly ModelId[] } | null;
  readonly devices: readonly DeviceView[];
  /** What a request gets for which something pinned or protected would have to leave. */
  readonly whenProtected: 'refuse' | 'queue';
}

/** What is added for `plan`. */
export interface TargetFacts {
  /** The model that requests wait for. */
  readonly target: ModelId;
  /** Ids of those requests, oldest first. */
  readonly asking: readonly string[];
  /** Legal evictions under the fallback planner, cheapest first, at most 20. */
  readonly candidates: readonly Candidate[];
}

/** What belongs to the policy itself. */
export interface OwnFacts<O, S> {
  /** The policy's options, defaults filled in. @example view.options.keep.includes(view.target) */
  readonly options: O;
  /** What `initial` and `evolve` returned last; null without them. */
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
