/**
 * What a state leads to of its own accord: starts whose way is free, grants, swaps whose victims became idle, drains, the
 * end of a shutdown. The loop calls it after every input, again and again, until it has nothing more to say. One rule at
 * a time, so that each rule sees what the one before it did.
 */
import { staysUntil } from './anti-thrash.ts';
import { type Batch, newBatch } from './batch.ts';
import { startSwap } from './decide-answer.ts';
import { abandonSwap, endDrainOf, killAt, stopRun } from './endings.ts';
import type { Draft } from './events.ts';
import { idleWish } from './idle.ts';
import { type ModelId, runId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { memoryOf } from './memory.ts';
import { outputFile } from './output-file.ts';
import { isCommitted } from './questions.ts';
import { checkPlan, disturbsDrain } from './referee.ts';
import {
  aliveOrComing,
  awaitsNewRun,
  busyWords,
  canServe,
  drainsAt,
  isBusy,
  isStale,
  mayLeave,
  mustGet,
  type Requirements,
  rankedTargets,
  swapEvicting,
  swapTo,
} from './rules.ts';
import { finishIdleLoad, loadWhenIdle, yieldIdleLoad } from './settle-idle.ts';
import { waitsForMemory } from './settle-memory.ts';
import type { ModelState, State, SwapState } from './state.ts';

type Rule = (batch: Batch, state: Readonly<State>, now: number, rules: Requirements) => void;

const RULES: readonly Rule[] = [
  retireStale,
  finishSwaps,
  yieldIdleLoad,
  grantWaiting,
  finishIdleLoad,
  endDrain,
  startTargets,
  startDrainedSwap,
  startPending,
  commitDrain,
  loadWhenIdle,
  shutDown,
];

/** The next consequences of this state; empty when it is settled. */
export function settle(state: Readonly<State>, now: number, rules: Requirements): Draft[] {
  if (isQuiet(state, now)) return [];
  const batch = newBatch(state);
  for (const rule of RULES) {
    rule(batch, state, now, rules);
    if (batch.drafts.length > 0) return batch.drafts;
  }
  return batch.drafts;
}

/** Nothing waits, swaps, drains or ends: the case of almost every request. */
function isQuiet(state: Readonly<State>, now: number): boolean {
  if (state.targets.size > 0 || state.swaps.size > 0 || state.drain !== null || state.phase !== 'running') return false;
  if (state.idleRequest !== null) return false;
  for (const id of state.alive) if (isStale(mustGet(state, id))) return false;
  return state.requests.size > 0 || idleWish(state, now) === null;
}

/**
 * Runs of an old specification, and of models that left the configuration, stop as soon as they serve nobody; one that
 * is still loading stops at once, unless requests wait for a model that has no other (kernel section 6).
 */
function retireStale(batch: Batch, state: Readonly<State>, now: number): void {
  for (const id of state.alive) {
    const model = mustGet(state, id);
    if (!isStale(model) || model.run?.phase === 'stopping' || isBusy(model)) continue;
    if (!model.configured && model.waiting.size > 0) continue;
    const detail = model.configured ? 'its configuration changed' : 'it left the configuration';
    stopRun(batch, model.run, { reason: 'stale', killAt: killAt(state, id, now), detail });
  }
}

/** A swap is over when its target is ready and every victim is gone. */
function finishSwaps(batch: Batch, state: Readonly<State>, now: number): void {
  for (const swap of state.swaps.values()) {
    const target = mustGet(state, swap.target);
    if (target.run?.phase !== 'ready' || awaitsNewRun(target) || !victimsGone(state, swap)) continue;
    const tookMs = now - swap.startedAt;
    batch.add({
      type: 'swap.finished',
      model: swap.target,
      cause: target.run.run,
      data: { swap: swap.id, ok: true, why: null, tookMs },
    });
  }
}

function victimsGone(state: Readonly<State>, swap: SwapState): boolean {
  return swap.evict.every((id) => mustGet(state, id).run === null);
}

/** Requests for a model that can serve are granted at once, in order of arrival (collation, spec 4.5). */
function grantWaiting(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  if (state.phase !== 'running') return;
  for (const id of state.targets) {
    const model = mustGet(state, id);
    if (model.run?.phase !== 'ready' || swapTo(state, id) !== null) continue;
    if (awaitsNewRun(model) || (!isOwed(model) && !canServe(state, model, rules))) continue;
    const { run } = model.run;
    for (const key of model.waiting) {
      const arrivedAt = state.requests.get(key)?.arrivedAt ?? now;
      batch.add({
        type: 'request.granted',
        model: id,
        request: key,
        cause: run,
        data: { run, waitedMs: now - arrivedAt },
      });
    }
  }
}

/** Waiters of the swap that loaded the model: nothing may come between them and it. */
function isOwed(model: ModelState): boolean {
  for (const key of model.leases) if (model.waiting.has(key)) return true;
  return false;
}

/** A drain's reservation lasts until those it was for have been served (kernel section 4). */
function endDrain(batch: Batch, state: Readonly<State>): void {
  const { drain } = state;
  if (drain === null) return;
  const target = mustGet(state, drain.target);
  if (drain.swap === null) {
    if (target.waiting.size === 0) endDrainOf(batch, state, drain.target, 'nobody-waits', drain.id);
    return;
  }
  if (!state.swaps.has(drain.swap) && target.leases.size === 0) {
    endDrainOf(batch, state, drain.target, 'served', drain.swap);
  }
}

/** Starts the target of each swap whose victims are gone; gives the swap up when nobody waits for it any more. */
function startTargets(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  for (const swap of state.swaps.values()) {
    const target = mustGet(state, swap.target);
    if (swap.run !== null || (target.run?.phase === 'ready' && !awaitsNewRun(target))) continue;
    if (target.waiting.size === 0) {
      abandonSwap(batch, state, swap.target, 'nobody waits for it any more', swap.id);
      return;
    }
    if (target.run !== null || !victimsGone(state, swap)) continue;
    if (!mayStart(state, swap.target, rules)) {
      abandonSwap(batch, state, swap.target, 'another model came in its way', swap.id);
      return;
    }
    if (waitsForMemory(batch, state, swap, now)) {
      if (batch.drafts.length > 0) return;
      continue;
    }
    const { settings } = target;
    batch.add({
      type: 'process.starting',
      model: swap.target,
      cause: swap.id,
      data: {
        deadline: now + settings.startTimeoutMs,
        port: portFor(state, target),
        logFile: outputFile(swap.target, runId(state.position + 1)),
        specDigest: settings.specDigest,
        swap: swap.id,
        memory: memoryOf(state, target),
      },
    });
    return;
  }
}

/** Beside what is alive now, and beside what will be once other swaps are done: their victims never meet their targets. */
function mayStart(state: Readonly<State>, target: ModelId, rules: Requirements): boolean {
  const now = [...state.alive].filter((id) => id !== target);
  const then = aliveOrComing(state, target).filter((id) => swapEvicting(state, id) === null);
  return rules.requires(target, now).length === 0 && rules.requires(target, then).length === 0;
}

/** The model's port; another one above all in use when a run of an older configuration still has it (kernel section 6). */
function portFor(state: Readonly<State>, model: ModelState): number | null {
  const { port } = model.settings;
  if (port === null) return null;
  let highest = port;
  let taken = false;
  for (const other of state.models.values()) {
    taken ||= other.run?.port === port;
    highest = Math.max(highest, other.run?.port ?? 0, other.settings.port ?? 0);
  }
  return taken ? highest + 1 : port;
}

/** The committed drain's swap begins as soon as its victims are idle, unless the world has changed under it. */
function startDrainedSwap(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  const { drain } = state;
  if (drain === null || drain.swap !== null) return;
  if (swapTo(state, drain.target) !== null) return;
  const evict = drain.evict.filter((id) => mustGet(state, id).run !== null);
  if (!evict.every((id) => mayLeave(mustGet(state, id), now))) return;
  const refusal = checkPlan(state, drain.target, evict, rules);
  if (refusal === null) startSwap(batch, state, drain.target, evict, { drain: drain.id, plan: null }, now);
  else if (refusal.rule !== 'held-by-swap') endDrainOf(batch, state, drain.target, 'failed', drain.id);
}

/** Decided swaps whose victims became idle begin in rank order; a target that owes a question keeps those behind it. */
function startPending(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  if (state.phase !== 'running') return;
  for (const model of rankedTargets(state, now)) {
    if (isCommitted(state, model.id)) continue;
    const { pending, blocked } = model;
    if (pending === null) {
      if (blocked === null) return;
      continue;
    }
    if (!pending.evict.every((id) => mayLeave(mustGet(state, id), now))) continue;
    if (pending.epoch !== state.planEpoch) return;
    if (checkPlan(state, model.id, pending.evict, rules) !== null) continue;
    if (disturbsDrain(state, model.id, pending.evict, rules)) continue;
    if (staysUntil(state, model, pending) > now) continue;
    startSwap(batch, state, model.id, pending.evict, { drain: null, plan: pending.plan }, now);
    return;
  }
}

/** The oldest overdue target drains what is in its way; one drain at a time (kernel section 4). */
function commitDrain(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  if (state.drain !== null || state.phase !== 'running') return;
  for (const model of rankedTargets(state, now)) {
    const { pending } = model;
    if (pending === null || drainsAt(state, model, pending) > now) continue;
    if (pending.evict.every((id) => mayLeave(mustGet(state, id), now))) continue;
    if (checkPlan(state, model.id, pending.evict, rules) !== null) continue;
    const reason = busyWords(state, pending.evict, now);
    batch.add({
      type: 'swap.draining',
      model: model.id,
      cause: pending.plan,
      data: { evict: pending.evict, until: now + state.settings.drainTimeoutMs, reason },
    });
    return;
  }
}

/** While shutting down: what serves nobody stops, everything stops when the time is up, and then turnout does. */
function shutDown(batch: Batch, state: Readonly<State>, now: number): void {
  if (state.phase === 'leaving') return leave(batch, state);
  if (state.phase !== 'draining') return;
  if (state.alive.size === 0 && state.requests.size === 0) {
    batch.add({ type: 'router.stopped', data: {} });
    return;
  }
  const timeUp = now >= (state.drainingSince ?? now) + LIMITS.shutdownMs;
  for (const id of state.alive) {
    const model = mustGet(state, id);
    if (!timeUp && isBusy(model)) continue;
    stopRun(batch, model.run, { reason: 'shutdown', killAt: killAt(state, id, now) });
  }
}

/** Leaving models loaded: over once nothing is answered any more, what stops is gone and what starts has its process. */
function leave(batch: Batch, state: Readonly<State>): void {
  if (state.requests.size > 0) return;
  for (const id of state.alive) {
    const { run } = mustGet(state, id);
    if (run?.phase === 'stopping' || (run?.phase === 'starting' && run.pid === null)) return;
  }
  batch.add({ type: 'router.stopped', data: state.alive.size === 0 ? {} : { left: [...state.alive] } });
}
