/**
 * What happens to models that nobody asks for: when one is unloaded for idleness, and which one is loaded so that it is
 * there (`whenIdle`, `keepWarm`). Pure. Must never load anything while a request of a client is open.
 */
import type { ModelId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { nextWindowStart, windowEnd } from './local-time.ts';
import { isBusy, mustGet } from './rules.ts';
import type { ModelState, State } from './state.ts';

/**
 * When an idle model is unloaded: its TTL after the end of its last request (or after ready), never while it is pinned, and
 * not inside a window in which it is kept warm. Infinity = not at all, as things stand.
 */
export function expiresAt(state: Readonly<State>, model: ModelState): number {
  const { ttlMs, keepWarm } = model.settings;
  if (ttlMs <= 0 || model.idleSince === null || model.pin !== null) return Number.POSITIVE_INFINITY;
  if (isBusy(model) || model.waiting.size > 0 || model.leases.size > 0) return Number.POSITIVE_INFINITY;
  const at = Math.max(model.idleSince + ttlMs, model.keptUntil ?? 0);
  const end = windowEnd(keepWarm, state.settings.zone, at + state.wallStepsMs);
  return end === null ? at : end - state.wallStepsMs;
}

/** Whether a window says that this model is kept loaded at `now`. */
export function isKeptWarm(state: Readonly<State>, model: ModelState, now: number): boolean {
  return warmSince(state, model, now) !== null;
}

export interface Wish {
  model: ModelId;
  /** The setting that wants it. */
  why: 'keepWarm' | 'whenIdle';
}

/** The model that should be loaded although nobody asks for one; null when none, or when it is not time yet. */
export function idleWish(state: Readonly<State>, now: number): Wish | null {
  if (!isAtRest(state) || state.idleSince === null) return null;
  if (now >= state.idleSince + LIMITS.keepWarmIdleMs) {
    for (const model of state.models.values()) {
      if (model.settings.keepWarm.length === 0) continue;
      const since = warmSince(state, model, now);
      if (since !== null && isMissing(model, Math.max(since, state.idleSince), now)) {
        return { model: model.id, why: 'keepWarm' };
      }
    }
  }
  const { whenIdle } = state.settings;
  const model = whenIdle === null ? undefined : state.models.get(whenIdle.load);
  if (whenIdle === null || model === undefined || now < state.idleSince + whenIdle.afterMs) return null;
  return isMissing(model, state.idleSince, now) ? { model: model.id, why: 'whenIdle' } : null;
}

/** The next moment at which `idleWish` may say something else, although nothing happened; Infinity when there is none. */
export function idleWishAt(state: Readonly<State>, now: number): number {
  if (!isAtRest(state) || state.idleSince === null) return Number.POSITIVE_INFINITY;
  let next = Number.POSITIVE_INFINITY;
  const later = (at: number) => {
    if (at > now) next = Math.min(next, at);
  };
  const { whenIdle, zone } = state.settings;
  if (whenIdle !== null) later(state.idleSince + whenIdle.afterMs);
  for (const model of state.models.values()) {
    const { keepWarm } = model.settings;
    if (keepWarm.length === 0 || model.run !== null) continue;
    later(state.idleSince + LIMITS.keepWarmIdleMs);
    if (model.backoff !== null) later(model.backoff.until);
    const start = nextWindowStart(keepWarm, zone, now + state.wallStepsMs);
    if (start !== null) later(start - state.wallStepsMs);
  }
  return next;
}

/** Models that a load for idleness must leave alone, or two that are kept warm would take turns for ever. */
export function keptFromIdleLoads(state: Readonly<State>, now: number): ModelId[] {
  const kept: ModelId[] = [];
  for (const id of state.alive) if (isKeptWarm(state, mustGet(state, id), now)) kept.push(id);
  return kept;
}

function isAtRest(state: Readonly<State>): boolean {
  return state.phase === 'running' && state.requests.size === 0 && state.swaps.size === 0 && state.drain === null;
}

/** Tried once after each time that clients went quiet (or a window began); what failed or was unloaded by hand stays so. */
function isMissing(model: ModelState, since: number, now: number): boolean {
  if (model.run !== null || !model.configured) return false;
  if (model.backoff !== null && model.backoff.until > now) return false;
  return model.idleLoadAt === null || model.idleLoadAt < since;
}

/** Begin (ms) of the window that holds at `now`; null when none does. */
function warmSince(state: Readonly<State>, model: ModelState, now: number): number | null {
  const { keepWarm } = model.settings;
  if (keepWarm.length === 0) return null;
  const { zone } = state.settings;
  const wall = now + state.wallStepsMs;
  if (windowEnd(keepWarm, zone, wall) === null) return null;
  // The last begin before now: windows last at most two days.
  let begin = wall - 2 * 86_400_000;
  for (;;) {
    const next = nextWindowStart(keepWarm, zone, begin);
    if (next === null || next > wall) return begin - state.wallStepsMs;
    begin = next;
  }
}
