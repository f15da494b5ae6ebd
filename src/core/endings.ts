/**
 * How things end: the few event groups that several inputs lead to. Each adds to the caller's batch and returns nothing
 * but positions.
 */
import type { Batch } from './batch.ts';
import type { StopReason } from './events.ts';
import type { ModelId, Position, RequestKey, RunId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { backoffMs, mustGet, swapTo } from './rules.ts';
import type { ModelState, Run, State } from './state.ts';

export interface Refusal {
  status: number;
  code: string;
  reason: string;
  retryAfterSec?: number;
  cause?: Position;
}

export function reject(batch: Batch, model: ModelId, request: RequestKey, refusal: Refusal): void {
  const { status, code, reason, retryAfterSec, cause } = refusal;
  batch.add({
    type: 'request.rejected',
    model,
    request,
    ...(cause === undefined ? {} : { cause }),
    data: { status, code, reason, retryAfterSec: retryAfterSec ?? null },
  });
}

export function rejectWaiting(batch: Batch, model: ModelState, refusal: Refusal): void {
  for (const key of model.waiting) reject(batch, model.id, key, refusal);
}

/** Orders a live run to stop; does nothing when it is stopping already. */
export function stopRun(
  batch: Batch,
  run: Run | null,
  stop: { reason: StopReason; killAt: number; cause?: Position; detail?: string },
): void {
  if (run === null || run.phase === 'stopping') return;
  batch.add({
    type: 'process.stopping',
    model: run.model,
    ...(stop.cause === undefined ? {} : { cause: stop.cause }),
    data: { run: run.run, reason: stop.reason, killAt: stop.killAt, detail: stop.detail ?? null },
  });
}

/** A start that came to nothing: backs the model off, ends its swap and answers its waiters. */
export function failStart(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  failure: { run: RunId; why: string; tail: string[]; cause: Position },
  now: number,
): void {
  const failures = (model.backoff?.failures ?? 0) + 1;
  const { run, why, tail } = failure;
  const cause = batch.add({
    type: 'model.backed-off',
    model: model.id,
    cause: failure.cause,
    data: { run, failures, until: now + backoffMs(failures), why, tail },
  });
  endSwap(batch, state, model.id, why, now, cause);
  rejectWaiting(batch, model, { status: 500, code: 'start-failed', reason: startFailure(why, tail), cause });
}

/** What a client reads when the start that it waited for failed (spec 3.1), with the output's last lines. */
function startFailure(why: string, tail: readonly string[]): string {
  const lines = tail.slice(-5).map((line) => line.slice(0, 300));
  return `unspecific error: ${why}${lines.length > 0 ? `; last output: ${lines.join(' | ')}` : ''}`;
}

/** Ends the swap to a model whose start failed, and the drain that it was for. */
export function endSwap(
  batch: Batch,
  state: Readonly<State>,
  target: ModelId,
  why: string,
  now: number,
  cause: Position,
): void {
  const swap = swapTo(state, target);
  if (swap === null) return;
  const tookMs = now - swap.startedAt;
  batch.add({ type: 'swap.finished', model: target, cause, data: { swap: swap.id, ok: false, why, tookMs } });
  endDrainOf(batch, state, target, 'failed', cause);
}

export function abandonSwap(
  batch: Batch,
  state: Readonly<State>,
  target: ModelId,
  why: string,
  cause?: Position,
): void {
  const swap = swapTo(state, target);
  if (swap === null) return;
  batch.add({
    type: 'swap.abandoned',
    model: target,
    ...(cause === undefined ? {} : { cause }),
    data: { swap: swap.id, why },
  });
  endDrainOf(batch, state, target, 'failed', cause);
}

export function endDrainOf(
  batch: Batch,
  state: Readonly<State>,
  target: ModelId,
  why: 'served' | 'timeout' | 'nobody-waits' | 'failed',
  cause?: Position,
): void {
  if (state.drain?.target !== target) return;
  batch.add({
    type: 'drain.ended',
    model: target,
    ...(cause === undefined ? {} : { cause }),
    data: { drain: state.drain.id, why },
  });
}

/** Time at which a run that is told to stop now gets KILL. */
export function killAt(state: Readonly<State>, model: ModelId, now: number): number {
  const grace = mustGet(state, model).settings.stopGraceMs;
  if (state.drainingSince === null) return now + grace;
  return Math.min(now + grace, Math.max(state.drainingSince + LIMITS.shutdownMs, now));
}
