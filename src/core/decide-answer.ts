/**
 * What a planner's answer becomes: a swap, a wait, a refusal. Whatever it says is checked against the state now; an answer
 * of an older epoch is dropped without an event (kernel section 3).
 */
import type { Batch } from './batch.ts';
import { killAt, reject, stopRun } from './endings.ts';
import type { BlockedOn, EventData, Verdict } from './events.ts';
import { type ModelId, type Position, swapId } from './ids.ts';
import type { PlannerAnswer } from './inputs.ts';
import { LIMITS } from './limits.ts';
import { checkPlan, disturbsDrain } from './plan.ts';
import { busyWords, mayLeave, mustGet, type Requirements, swapTo } from './rules.ts';
import type { ModelState, State } from './state.ts';

type Outcome = EventData['plan.decided']['outcome'];

export function answerReceived(
  batch: Batch,
  state: Readonly<State>,
  input: { target: ModelId; answer: PlannerAnswer },
  now: number,
  rules: Requirements,
): void {
  const { target, answer } = input;
  const model = state.models.get(target);
  if (model === undefined || answer.epoch !== state.planEpoch) return;
  if (model.waiting.size === 0 || swapTo(state, target) !== null) return;
  const { verdict } = answer;
  if (verdict.action === 'swap') swapAnswered(batch, state, model, answer, verdict, now, rules);
  else if (verdict.action === 'wait') waitAnswered(batch, model, answer, verdict, now);
  else rejectAnswered(batch, state, model, answer, verdict, now);
}

function swapAnswered(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  answer: PlannerAnswer,
  verdict: Extract<Verdict, { action: 'swap' }>,
  now: number,
  rules: Requirements,
): void {
  const refusal = checkPlan(state, model.id, verdict.evict, rules);
  if (refusal !== null) {
    batch.add({ type: 'plan.rejected', model: model.id, ...askedBy(model), data: { ...refusal, verdict } });
    block(
      batch,
      model,
      'until',
      now + LIMITS.waitDefaultMs,
      `the planner's answer was refused: ${refusal.detail}`,
      now,
    );
    return;
  }
  if (disturbsDrain(state, model.id, verdict.evict, rules)) {
    const reason = `${state.drain?.target} waited longer and is served first`;
    block(batch, model, 'drain', state.drain?.until ?? null, reason, now);
    return;
  }
  if (verdict.evict.every((id) => mayLeave(mustGet(state, id), now))) {
    const plan = record(batch, model, answer, 'started');
    startSwap(batch, state, model.id, verdict.evict, { drain: null, plan }, now);
    return;
  }
  const { pending } = model;
  if (pending !== null && pending.reason === verdict.reason && sameModels(pending.evict, verdict.evict)) return;
  record(batch, model, answer, 'pending');
  const reason = `${busyWords(state, verdict.evict, now)}; ${verdict.reason}`;
  batch.add({ type: 'target.blocked', model: model.id, ...askedBy(model), data: { on: 'swap', until: null, reason } });
}

function waitAnswered(
  batch: Batch,
  model: ModelState,
  answer: PlannerAnswer,
  verdict: Extract<Verdict, { action: 'wait' }>,
  now: number,
): void {
  const wanted = verdict.forMs ?? LIMITS.waitDefaultMs;
  const until = now + Math.min(LIMITS.waitMaxMs, Math.max(LIMITS.waitMinMs, wanted));
  const on: BlockedOn = verdict.forMs === undefined ? 'swap' : 'until';
  if (isNews(model, on, verdict.reason, now) || model.pending !== null) record(batch, model, answer, 'waiting');
  block(batch, model, on, until, verdict.reason, now);
}

function rejectAnswered(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  answer: PlannerAnswer,
  verdict: Extract<Verdict, { action: 'reject' }>,
  now: number,
): void {
  const named = verdict.requests === undefined ? null : new Set(verdict.requests);
  const refused = [...model.waiting].filter((key) => {
    const request = state.requests.get(key);
    return request !== undefined && (named === null || named.has(request.id));
  });
  if (refused.length === 0) {
    const reason = 'the planner refused requests that do not wait';
    block(batch, model, 'until', now + LIMITS.waitDefaultMs, reason, now);
    return;
  }
  const cause = record(batch, model, answer, 'rejected');
  for (const key of refused) {
    reject(batch, model.id, key, {
      status: verdict.status,
      code: 'planner-refused',
      reason: verdict.reason,
      cause,
      ...(verdict.retryAfterSec === undefined ? {} : { retryAfterSec: verdict.retryAfterSec }),
    });
  }
}

/** Begins a swap: its victims are asked to stop; the target is started when all of them are gone (settle.ts). */
export function startSwap(
  batch: Batch,
  state: Readonly<State>,
  target: ModelId,
  evict: ModelId[],
  why: { drain: Position | null; plan: Position | null },
  now: number,
): void {
  const cause = why.plan ?? why.drain;
  const swap = swapId(
    batch.add({ type: 'swap.started', model: target, ...(cause === null ? {} : { cause }), data: { evict, ...why } }),
  );
  for (const id of evict) {
    const { run } = mustGet(state, id);
    stopRun(batch, run, { reason: 'swap', killAt: killAt(state, id, now), cause: swap, detail: `for ${target}` });
  }
}

function record(batch: Batch, model: ModelState, answer: PlannerAnswer, outcome: Outcome): Position {
  return batch.add({ type: 'plan.decided', model: model.id, ...askedBy(model), data: { ...answer, outcome } });
}

/** Records what a target waits for; the same again only when its deadline has passed, at most once a second. */
function block(
  batch: Batch,
  model: ModelState,
  on: BlockedOn,
  until: number | null,
  reason: string,
  now: number,
): void {
  if (!isNews(model, on, reason, now)) return;
  batch.add({ type: 'target.blocked', model: model.id, ...askedBy(model), data: { on, until, reason } });
}

function isNews(model: ModelState, on: BlockedOn, reason: string, now: number): boolean {
  const { blocked } = model;
  if (blocked === null || blocked.on !== on || blocked.reason !== reason) return true;
  return blocked.until !== null && blocked.until <= now && now >= blocked.at + LIMITS.blockedAgainMs;
}

/** The request that has waited longest is why the planner was asked. */
function askedBy(model: ModelState): { cause?: Position } {
  for (const key of model.waiting) return { cause: key };
  return {};
}

function sameModels(a: readonly ModelId[], b: readonly ModelId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
