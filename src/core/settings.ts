/**
 * What the kernel needs to know of the configuration, and nothing else: no command lines, no environment, no keys.
 * It stands whole in `config.applied`, so that a log folds without any other file. Times are milliseconds.
 */
import type { ModelId } from './ids.ts';

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
}

export interface GroupSettings {
  id: string;
  swap: boolean;
  exclusive: boolean;
  persistent: boolean;
}

export interface Settings {
  /** In the order of the config. */
  models: ModelSettings[];
  groups: GroupSettings[];
  planner: 'group';
  /** null = scaled with what a swap costs (design section 5). */
  maxWaitMs: number | null;
  queueTimeoutMs: number;
  drainTimeoutMs: number;
  onTrouble: 'serve' | 'refuse';
}
