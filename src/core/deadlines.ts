/**
 * The next moment at which something is due, so that the shell needs one timer only. Must name every deadline that
 * decide-clock.ts, settle.ts and the planners' questions act upon; naming one too many only costs a wake-up.
 */
import { LIMITS } from './limits.ts';
import { type Asked, askAgainAt } from './plan.ts';
import { drainsAt, isBusy, mustGet, residentUntil } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Absolute time in ms, or null when nothing is due ever. May lie in the past. */
export function nextDeadline(state: Readonly<State>, asked: Asked): number | null {
  let next = Number.POSITIVE_INFINITY;
  for (const id of state.alive) next = Math.min(next, ofRun(mustGet(state, id)));
  for (const id of state.targets) next = Math.min(next, ofTarget(state, mustGet(state, id), asked));
  if (state.drain !== null && state.drain.swap === null) next = Math.min(next, state.drain.until);
  if (state.phase === 'draining') next = Math.min(next, (state.drainingSince ?? 0) + LIMITS.shutdownMs);
  return Number.isFinite(next) ? next : null;
}

function ofRun(model: ModelState): number {
  const { run } = model;
  switch (run?.phase) {
    case 'starting':
      return run.deadline;
    case 'stopping':
      return run.killed ? Number.POSITIVE_INFINITY : run.killAt;
    case 'ready': {
      const { ttlMs } = model.settings;
      const idle = !isBusy(model) && model.waiting.size === 0 && model.leases.size === 0;
      return ttlMs > 0 && idle && model.idleSince !== null ? model.idleSince + ttlMs : Number.POSITIVE_INFINITY;
    }
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function ofTarget(state: Readonly<State>, model: ModelState, asked: Asked): number {
  let next = Number.POSITIVE_INFINITY;
  for (const key of model.waiting) {
    const request = state.requests.get(key);
    if (request !== undefined) next = request.arrivedAt + state.settings.queueTimeoutMs;
    break;
  }
  next = Math.min(next, askAgainAt(model, asked) ?? Number.POSITIVE_INFINITY);
  if (model.pending === null || state.drain !== null) return next;
  next = Math.min(next, drainsAt(state, model, model.pending));
  for (const id of model.pending.evict) {
    const until = residentUntil(mustGet(state, id));
    if (until > state.at) next = Math.min(next, until);
  }
  return next;
}
