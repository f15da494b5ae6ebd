/**
 * What the kernel needs to know of the configuration, and nothing else: no command lines, no environment, no keys.
 * It stands whole in `config.applied`, so that a log folds without any other file. Times are milliseconds.
 */
import type { ModelId } from './ids.ts';

/** Whole bytes on any device but `ram`, or by device. */
export type Memory = number | Record<string, number>;

/** A stretch of local time on some days; `toMin` may lie beyond midnight (up to 48 h). Minutes count from midnight. */
export interface LocalWindow {
  /** 0 = Sunday. */
  days: number[];
  fromMin: number;
  toMin: number;
}

/** What a request does while its model is not loaded. `redirect`: to the first of `to` that is ready, else `otherwise`. */
export type OnDemand =
  | { action: 'load' | 'refuse' }
  | { action: 'redirect'; to: ModelId[]; otherwise: 'load' | 'refuse' };

export interface ModelSettings {
  id: ModelId;
  /** Name of its group; models in no group are in `(default)` (spec 2.6). */
  group: string;
  /** Requests admitted at once: queued, loading and serving (spec 4.4). */
  concurrencyLimit: number;
  /** 0 = never unloaded for idleness. */
  ttlMs: number;
  /** TERM to KILL when unloaded or evicted; with a `cmdStop` see design section 6. */
  stopGraceMs: number;
  startTimeoutMs: number;
  minResidencyMs: number;
  priority: number;
  /** Port of the next run, or null when `cmd` does not use `${PORT}`. */
  port: number | null;
  /** HMAC of the launch fields with `${PORT}` symbolic (kernel section 6). */
  specDigest: string;
  /** What it is declared to take while it runs; null = not told. */
  memory: Memory | null;
  tags: string[];
  /** Tokens; 0 = not told. */
  context: number;
  /** When it is kept loaded: loaded while nothing else is asked for, and not unloaded for idleness. */
  keepWarm: LocalWindow[];
  onDemand: OnDemand;
}

export interface GroupSettings {
  id: string;
  swap: boolean;
  exclusive: boolean;
  persistent: boolean;
}

/** An expression over models (spec 2.7): which of them may be loaded together. */
export type SetExpression =
  | { kind: 'model'; id: ModelId }
  | { kind: 'set'; name: string }
  | { kind: 'or' | 'and'; parts: SetExpression[] };

export interface MatrixSettings {
  /** In the order of the file, which breaks ties. `text` is what the user wrote. */
  sets: { name: string; text: string; expression: SetExpression }[];
  /** 1 for a model that is not here. */
  evictCosts: Record<string, number>;
}

export type BuiltInName = 'group' | 'matrix' | 'budget';

/** A time zone as data, so that local time is a pure function: from `from` (ms) on local time is UTC + `offsetMin`. */
export interface Zone {
  /** IANA name. */
  name: string;
  /** In order of time; the first holds for all time before the second. */
  offsets: { from: number; offsetMin: number }[];
}

export interface Settings {
  /** In the order of the config. */
  models: ModelSettings[];
  groups: GroupSettings[];
  planner: BuiltInName | 'policy';
  /** The built-in that answers when a policy does not, and whose law of what stands together binds every planner. */
  fallback: BuiltInName;
  matrix: MatrixSettings | null;
  /** In the order of the config. */
  devices: { id: string; bytes: number }[];
  /** Longest wait for memory that evicted models have not given back yet. */
  memoryWaitMs: number;
  /** Models that no request may evict, and what a request that would have to gets. Pins follow `otherwise` too. */
  protect: { models: ModelId[]; otherwise: 'refuse' | 'queue' };
  whenIdle: { afterMs: number; load: ModelId } | null;
  zone: Zone;
  /** By client label; added to the priority of the model. */
  clientPriority: Record<string, number>;
  /** Whether a model that is in demand is kept from being swapped out at once (see anti-thrash in rules). */
  antiThrash: boolean;
  /** null = scaled with what a swap costs (design section 5). */
  maxWaitMs: number | null;
  queueTimeoutMs: number;
  drainTimeoutMs: number;
  onTrouble: 'serve' | 'refuse';
}
