/**
 * What a planner's answer becomes: a swap, a wait, a refusal. Whatever it says is checked against the state now; an answer
 * of an older epoch is dropped without an event (kernel section 3).
 */
import { staysUntil, staysWords } from './anti-thrash.ts';
import type { Batch } from './batch.ts';
import { killAt, reject, stopRun } from './endings.ts';
import type { BlockedOn, EventData, Verdict } from './events.ts';
import { type ModelId, type Position, type RequestId, type RequestKey, swapId } from './ids.ts';
import type { InputOf, PlannerAnswer } from './inputs.ts';
import { LIMITS } from './limits.ts';
import { checkPlan, checkRedirect, disturbsDrain } from './referee.ts';
import { busyWords, drainComesFirst, mayLeave, mustGet, overdueAt, type Requirements, swapTo } from './rules.ts';
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
  switch (verdict.action) {
    case 'swap':
      return swapAnswered(batch, state, model, answer, verdict, now, rules);
    case 'wait':
      return waitAnswered(batch, state, model, answer, verdict, now);
    case 'reject':
      return rejectAnswered(batch, state, model, answer, verdict, now);
    case 'redirect':
      return redirectAnswered(batch, state, model, answer, verdict, now);
  }
}

/** A planner's answer was refused before it counted: the refusal is recorded, somebody else answers. */
export function answerRefused(batch: Batch, state: Readonly<State>, input: InputOf<'planner.refused'>): void {
  const model = state.models.get(input.target);
  if (model === undefined || model.waiting.size === 0) return;
  const { refusal, verdict } = input;
  batch.add({ type: 'plan.rejected', model: model.id, ...askedBy(model), data: { ...refusal, verdict } });
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
    block(batch, model, 'drain', state.drain?.until ?? null, drainComesFirst(state), now);
    return;
  }
  const wanted = { evict: verdict.evict, drain: verdict.when === 'drain' };
  const stays = staysUntil(state, model, wanted);
  const free = verdict.evict.every((id) => mayLeave(mustGet(state, id), now));
  if (free && stays <= now) {
    const plan = record(batch, model, answer, 'started');
    startSwap(batch, state, model.id, verdict.evict, { drain: null, plan }, now);
    return;
  }
  const { pending } = model;
  if (pending !== null && pending.reason === verdict.reason && sameModels(pending.evict, verdict.evict)) return;
  record(batch, model, answer, 'pending');
  const words = free ? staysWords(state, model, wanted, now) : busyWords(state, verdict.evict, now);
  const reason = `${words}; ${verdict.reason}`;
  batch.add({ type: 'target.blocked', model: model.id, ...askedBy(model), data: { on: 'swap', until: null, reason } });
}

function waitAnswered(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  answer: PlannerAnswer,
  verdict: Extract<Verdict, { action: 'wait' }>,
  now: number,
): void {
  // The end of a pin is a change of its own, which asks again at once.
  const wanted = verdict.forMs ?? (verdict.on === 'pin' ? LIMITS.waitMaxMs : LIMITS.waitDefaultMs);
  const wish = now + Math.min(LIMITS.waitMaxMs, Math.max(LIMITS.waitMinMs, wanted));
  const overdue = overdueAt(state, model, []);
  const until = overdue > now + LIMITS.waitMinMs ? Math.min(wish, overdue) : wish;
  const on: BlockedOn = verdict.on ?? (verdict.forMs === undefined ? 'swap' : 'until');
  // The answer itself is no news while only its deadline moved: that stands in `target.blocked`.
  const { blocked, pending } = model;
  const isSame = blocked?.on === on && blocked.reason === verdict.reason && pending === null;
  if (!isSame) record(batch, model, answer, 'waiting');
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
  const refused = namedOf(state, model, verdict.requests);
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

/** Moves requests to a model that is ready, once each; whoever finds no place there gets 429. */
function redirectAnswered(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  answer: PlannerAnswer,
  verdict: Extract<Verdict, { action: 'redirect' }>,
  now: number,
): void {
  const refusal = checkRedirect(state, model.id, verdict);
  if (refusal !== null) {
    batch.add({ type: 'plan.rejected', model: model.id, ...askedBy(model), data: { ...refusal, verdict } });
    const reason = `the planner's answer was refused: ${refusal.detail}`;
    block(batch, model, 'until', now + LIMITS.waitDefaultMs, reason, now);
    return;
  }
  const cause = record(batch, model, answer, 'redirected');
  const to = mustGet(state, verdict.model);
  let room = to.settings.concurrencyLimit - to.waiting.size - to.serving.size;
  for (const key of namedOf(state, model, verdict.requests)) {
    if (state.requests.get(key)?.redirectedFrom !== null) continue;
    if (room-- > 0) {
      const data = { to: to.id, reason: verdict.reason };
      batch.add({ type: 'request.redirected', model: model.id, request: key, cause, data });
    } else {
      const reason = `Too many requests: moved to ${to.id}, which has no place left`;
      reject(batch, model.id, key, { status: 429, code: 'concurrency-limit', reason, retryAfterSec: 1, cause });
    }
  }
}

/** Those that wait and are named; all that wait when none is. */
function namedOf(state: Readonly<State>, model: ModelState, requests: readonly RequestId[] | undefined): RequestKey[] {
  const named = requests === undefined ? null : new Set(requests);
  return [...model.waiting].filter((key) => {
    const request = state.requests.get(key);
    return request !== undefined && (named === null || named.has(request.id));
  });
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
