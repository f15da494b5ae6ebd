/**
 * The next moment at which something is due, so that the shell needs one timer only. Must name every deadline that
 * decide-clock.ts, settle.ts and the planners' questions act upon; naming one too many only costs a wake-up.
 */
import { staysUntil } from './anti-thrash.ts';
import { expiresAt, idleWishAt } from './idle.ts';
import { LIMITS } from './limits.ts';
import { type Asked, askAgainAt } from './questions.ts';
import { drainsAt, isEnding, mustGet, overdueAt, residentUntil } from './rules.ts';
import { memoryWaitEnds } from './settle-memory.ts';
import type { ModelState, State } from './state.ts';

/** Absolute time in ms, or null when nothing is due ever. May lie in the past. `now`: until then all that was due is done. */
export function nextDeadline(state: Readonly<State>, asked: Asked, now: number): number | null {
  let next = Number.POSITIVE_INFINITY;
  for (const id of state.alive) next = Math.min(next, ofRun(state, mustGet(state, id)));
  for (const { pin } of state.models.values()) next = Math.min(next, pin?.until ?? next);
  for (const swap of state.swaps.values()) next = Math.min(next, memoryWaitEnds(swap));
  for (const id of state.targets) next = Math.min(next, ofTarget(state, mustGet(state, id), asked, now));
  if (state.drain !== null && state.drain.swap === null) next = Math.min(next, state.drain.until);
  if (isEnding(state)) next = Math.min(next, (state.drainingSince ?? 0) + LIMITS.shutdownMs);
  next = Math.min(next, idleWishAt(state, now));
  if (state.policyWakeAt !== null && state.policyWakeAt > now) next = Math.min(next, state.policyWakeAt);
  return Number.isFinite(next) ? next : null;
}

function ofRun(state: Readonly<State>, model: ModelState): number {
  const { run } = model;
  switch (run?.phase) {
    case 'starting':
      return run.deadline;
    case 'stopping':
      return run.killed ? Number.POSITIVE_INFINITY : run.killAt;
    case 'ready':
      return expiresAt(state, model);
    default:
      return Number.POSITIVE_INFINITY;
  }
}

function ofTarget(state: Readonly<State>, model: ModelState, asked: Asked, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const key of model.waiting) {
    const request = state.requests.get(key);
    if (request !== undefined) next = request.arrivedAt + state.settings.queueTimeoutMs;
    break;
  }
  next = Math.min(next, askAgainAt(model, asked) ?? Number.POSITIVE_INFINITY);
  if (model.pending === null) {
    const overdue = overdueAt(state, model, []);
    return overdue > now ? Math.min(next, overdue) : next;
  }
  const stays = staysUntil(state, model, model.pending);
  if (stays > now) next = Math.min(next, stays);
  if (state.drain !== null) return next;
  // one that has passed found nothing to drain; it must not hide what is due next
  const drains = drainsAt(state, model, model.pending);
  if (drains > now) next = Math.min(next, drains);
  for (const id of model.pending.evict) {
    const until = residentUntil(mustGet(state, id));
    if (until > now) next = Math.min(next, until);
  }
  return next;
}
