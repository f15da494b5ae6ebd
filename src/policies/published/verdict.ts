/**
 * What a policy may answer. Types only; test/policies/published-types.test.ts holds that the kernel means the same.
 * `reason` is shown to whoever asks why, so it must say something to people.
 */
import type { ModelId } from './view.ts';

/** A planner that is part of turnout. @example 'budget' */
export type BuiltIn = 'group' | 'matrix' | 'budget';

/**
 * What was considered beside what was chosen; at most 5 are kept.
 * @example { evict: ['llama'], costMs: 12_000, reason: 'used a minute ago' }
 */
export interface Alternative {
  /** What would have left. @example ['llama'] */
  evict: ModelId[];
  /** Expected ms of loading again what is evicted. @example 12_000 */
  costMs: number;
  /** Why not. @example 'used a minute ago' */
  reason: string;
}

/**
 * The answer of `plan`.
 *
 * - `swap`: evict these (none is fine) and load the target. Busy ones are waited for; with `when: 'drain'` new requests for
 *   them wait too.
 * - `wait`: ask again in `forMs` (250 ms to 10 min), or when something changes.
 * - `reject`: refuse the requests. `requests`: only these of `view.asking`; the rest are asked about again. `retryAfterSec`:
 *   rounded up to whole seconds, at most a week.
 * - `redirect`: let a model that is ready serve them instead.
 * - `delegate`: let a built-in decide (`planner`; else the fallback of the configuration), which must not evict `protect`
 *   and evicts `prefer` first.
 *
 * @example { action: 'swap', evict: ['llama'], reason: 'idle for 12 min' }
 * @example { action: 'reject', status: 429, retryAfterSec: 60, reason: 'qwen is protected in office hours' }
 * @example { action: 'delegate', protect: ['qwen'] }
 */
export type Verdict =
  | { action: 'swap'; evict: ModelId[]; reason: string; when?: 'idle' | 'drain'; alternatives?: Alternative[] }
  /** `on: 'pin'`: it waits for a pin or a protection to end. */
  | { action: 'wait'; forMs?: number; on?: 'pin'; reason: string; alternatives?: Alternative[] }
  | { action: 'reject'; status: 409 | 429 | 503; retryAfterSec?: number; reason: string; requests?: string[] }
  | { action: 'redirect'; model: ModelId; reason: string; requests?: string[] }
  | { action: 'delegate'; planner?: BuiltIn; protect?: ModelId[]; prefer?: ModelId[]; reason?: string };

/**
 * The answer of `idle`. `wakeAt` (ms since 1970): ask again then, although nothing changed. `keep`: models that are not
 * unloaded for idleness before `until`.
 *
 * @example { action: 'load', model: 'qwen', reason: 'back to the usual one' }
 * @example { action: 'none', wakeAt: view.now + 60_000 }
 */
export type IdleVerdict = (
  | { action: 'load' | 'unload'; model: ModelId; reason: string }
  | { action: 'none'; reason?: string }
) & {
  /** ms since 1970, at least a second from now. @example view.now + 60_000 */
  wakeAt?: number;
  /** Not unloaded for idleness before `until`. @example [{ model: 'qwen', until: view.now + 3_600_000 }] */
  keep?: { model: ModelId; until: number }[];
};
