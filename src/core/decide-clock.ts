/**
 * What is due: every deadline of the state that `now` has reached. Deadlines themselves are listed in deadlines.ts, which
 * must name each one that is acted upon here.
 */
import type { Batch } from './batch.ts';
import { endDrainOf, failStart, killAt, reject, rejectWaiting, stopRun } from './endings.ts';
import { expiresAt } from './idle.ts';
import { LIMITS } from './limits.ts';
import { busyWords, mayLeave, mustGet } from './rules.ts';
import type { ModelState, Run, State } from './state.ts';

export function clockReached(batch: Batch, state: Readonly<State>, _input: unknown, now: number): void {
  for (const id of state.alive) {
    const model = mustGet(state, id);
    if (model.run !== null) runDue(batch, state, model, model.run, now);
  }
  pinsDue(batch, state, now);
  drainDue(batch, state, now);
  queueDue(batch, state, now);
}

function runDue(batch: Batch, state: Readonly<State>, model: ModelState, run: Run, now: number): void {
  switch (run.phase) {
    case 'starting':
      if (now >= run.deadline) healthTimedOut(batch, state, model, run, now);
      return;
    case 'ready':
      if (now >= expiresAt(state, model)) {
        const detail = `idle for ${model.settings.ttlMs / 1000} s`;
        stopRun(batch, run, { reason: 'ttl', killAt: killAt(state, model.id, now), detail });
      }
      return;
    case 'stopping':
      if (!run.killed && now >= run.killAt) {
        const why = `still alive ${((now - run.since) / 1000).toFixed(1)} s after it was asked to stop`;
        batch.add({ type: 'process.killed', model: model.id, cause: run.run, data: { run: run.run, why } });
      }
  }
}

function healthTimedOut(batch: Batch, state: Readonly<State>, model: ModelState, run: Run, now: number): void {
  const why = `health check timed out after ${model.settings.startTimeoutMs / 1000} s (see "turnout logs ${model.id}")`;
  const cause = batch.add({
    type: 'process.stopping',
    model: model.id,
    cause: run.run,
    data: { run: run.run, reason: 'health-timeout', killAt: now + LIMITS.startAbortGraceMs, detail: why },
  });
  failStart(batch, state, model, { run: run.run, why, tail: [], cause }, now);
}

function pinsDue(batch: Batch, state: Readonly<State>, now: number): void {
  for (const { id, pin } of state.models.values()) {
    if (pin?.until == null || now < pin.until) continue;
    batch.add({ type: 'model.unpinned', model: id, data: { by: pin.owner, why: 'expired' } });
  }
}

/** A drain whose victims never became idle ends, and so does the wait that it was for (kernel section 4). */
function drainDue(batch: Batch, state: Readonly<State>, now: number): void {
  const { drain } = state;
  if (drain === null || drain.swap !== null || now < drain.until) return;
  const target = mustGet(state, drain.target);
  const blockers = drain.evict.filter((id) => !mayLeave(mustGet(state, id), now));
  const requests = blockers.flatMap((id) => [...mustGet(state, id).serving].map((key) => state.requests.get(key)?.id));
  const reason = `waited ${Math.round((now - drain.since) / 1000)} s for ${busyWords(state, drain.evict, now)} (request ${requests.join(', ')})`;
  rejectWaiting(batch, target, { status: 503, code: 'drain-timeout', reason, retryAfterSec: 60, cause: drain.id });
  endDrainOf(batch, state, drain.target, 'timeout', drain.id);
}

/** Every wait ends (kernel section 4). */
function queueDue(batch: Batch, state: Readonly<State>, now: number): void {
  for (const id of state.targets) {
    const model = mustGet(state, id);
    for (const key of model.waiting) {
      const request = state.requests.get(key);
      if (request === undefined || now < request.arrivedAt + state.settings.queueTimeoutMs) break;
      const waited = Math.round((now - request.arrivedAt) / 1000);
      const why = model.blocked?.reason ?? 'it never became its turn';
      reject(batch, id, key, {
        status: 503,
        code: 'queue-timeout',
        reason: `waited ${waited} s for model "${id}": ${why}`,
        retryAfterSec: 60,
      });
    }
  }
}
