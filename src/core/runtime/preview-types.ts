/**
 * What a request for a model would lead to at this moment: the answer of a dry run. Times are milliseconds, sizes bytes.
 * Types only; nothing here is ever recorded or acted upon.
 */
import type { Alternative, EventData } from '../events.ts';
import type { ModelId } from '../ids.ts';
import type { Memory } from '../settings.ts';
import type { ModelView } from '../view.ts';

/** One model that would leave. */
export interface PreviewVictim {
  id: ModelId;
  phase: ModelView['phase'];
  inFlight: number;
  idleMs: number | null;
  lastClient: string | null;
  /** What would be given back; null = not known. */
  memory: Memory | null;
  /** Expected time to load it again, and from how many observed loads that comes. */
  reloadMs: number;
  loadsObserved: number;
  /** Tokens of its prompt cache that would be lost; null where nothing is known. */
  cachedTokens: number | null;
  /** Only where a swap that is decided already evicts what was pinned since. */
  pinned: { owner: string; until: number | null } | null;
}

/** Expected time until a request would be served. */
export interface PreviewEta {
  /** null where it depends on what is not known: how long others are busy, or when a pin ends. */
  total: number | null;
  /** Until what is in the way may leave. */
  wait: 'unknown' | number;
  stopMs: number;
  /** What is left of the load; 0 for a model that is ready. */
  loadMs: number;
  /** Whether `loadMs` comes from loads that were seen, and from how many. */
  basis: 'observed' | 'assumed';
  loadsObserved: number;
}

export interface PlanPreview {
  model: ModelId;
  phase: ModelView['phase'];
  /**
   * `serve`: at once. `join`: it waits for a load or swap to this model that is under way. `swap`: it begins one, as soon as
   * what is evicted may leave.
   */
  verdict: 'serve' | 'join' | 'swap' | 'wait' | 'reject' | 'redirect';
  /** Who decided; null where no planner had to be asked. */
  planner: { name: string; version: string; via: EventData['plan.decided']['via'] } | null;
  reason: string;
  /** What it takes while it runs, as far as known. */
  memory: Memory | null;
  evict: PreviewVictim[];
  alternatives: Alternative[];
  /** Of `reject`. */
  refusal: { status: number; code: string; retryAfterSec: number | null } | null;
  redirectTo: ModelId | null;
  /** What keeps it from going on at once, in words; null when nothing does. */
  waitsFor: string | null;
  etaMs: PreviewEta;
}
