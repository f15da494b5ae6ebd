/**
 * What must never happen, as checks over a state and over an event about to be folded. The loop asserts the cheap ones,
 * tests and the simulation check all after every step. Pure.
 */
import type { EventOf, TurnoutEvent } from './events.ts';
import { heldBy } from './holds.ts';
import type { ModelId } from './ids.ts';
import { type Asked, askAgainAt, isCommitted } from './questions.ts';
import { disturbsDrain } from './referee.ts';
import { aliveOrComing, isBusy, isDraining, mustGet, type Requirements, swapTo } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Violations of an event against the state just before it; empty when all is well. */
export function checkEvent(state: Readonly<State>, event: TurnoutEvent, rules: Requirements): string[] {
  const broken: string[] = [];
  if (event.position !== state.position + 1) broken.push(`position ${event.position} follows ${state.position}`);
  if (event.at < state.at) broken.push(`time runs backwards at position ${event.position}`);
  switch (event.type) {
    case 'process.starting':
      return [...broken, ...checkStart(state, event, rules)];
    case 'process.stopping':
      return [...broken, ...checkStop(state, event)];
    case 'request.granted':
      return [...broken, ...checkGrant(state, event, rules)];
    case 'swap.started':
      if (disturbsDrain(state, event.model as ModelId, event.data.evict, rules)) {
        broken.push(`the swap to ${event.model} takes what the drain for ${state.drain?.target} reserved`);
      }
      for (const id of event.data.evict) {
        const hold = mustGet(state, id).run === null ? null : heldBy(state, id);
        if (hold !== null) broken.push(`the swap to ${event.model} evicts ${id}, which is ${hold.rule}`);
      }
      return broken;
    case 'plan.decided':
      if (event.data.epoch !== state.planEpoch)
        broken.push(`an answer of epoch ${event.data.epoch} counts in a later one`);
      return broken;
    default:
      return broken;
  }
}

function checkStart(state: Readonly<State>, event: EventOf<'process.starting'>, rules: Requirements): string[] {
  const broken: string[] = [];
  const model = mustGet(state, event.model as ModelId);
  if (model.run !== null) broken.push(`a second run of ${model.id} starts while run ${model.run.run} lives`);
  const beside = rules.requires(
    model.id,
    [...state.alive].filter((id) => id !== model.id),
  );
  if (beside.length > 0) broken.push(`${model.id} starts beside ${beside.join(', ')}`);
  const byHand = [...model.waiting].some((key) => state.requests.get(key)?.kind === 'load');
  if (model.backoff !== null && model.backoff.until > event.at && !byHand) {
    broken.push(`${model.id} starts although it is backed off`);
  }
  return broken;
}

function checkStop(state: Readonly<State>, event: EventOf<'process.stopping'>): string[] {
  const { reason } = event.data;
  const model = mustGet(state, event.model as ModelId);
  if ((reason !== 'swap' && reason !== 'ttl') || (!isBusy(model) && model.leases.size === 0)) return [];
  return [`${model.id} is stopped (${reason}) while it serves or owes requests`];
}

/** The cheap part for every grant; what stands beside the model only where something can. */
function checkGrant(state: Readonly<State>, event: EventOf<'request.granted'>, rules: Requirements): string[] {
  const model = mustGet(state, event.model as ModelId);
  const { run } = model;
  if (run?.phase !== 'ready' || run.run !== event.data.run) return [`${model.id} is granted while not ready`];
  if (state.drain === null && state.alive.size <= 1) return [];
  if (model.leases.size > 0) return [];
  if (isDraining(state, model.id)) return [`${model.id} takes a new request while it drains`];
  if (!rules.evictsWhenReady) return [];
  const beside = rules.requires(model.id, aliveOrComing(state, model.id));
  return beside.length === 0 ? [] : [`${model.id} serves beside ${beside.join(', ')}`];
}

/** Violations of a state at rest, with no question outstanding; empty when all is well. */
export function checkState(state: Readonly<State>, asked: Asked): string[] {
  const broken: string[] = [];
  for (const model of state.models.values()) {
    if (state.alive.has(model.id) !== (model.run !== null)) broken.push(`alive and run of ${model.id} disagree`);
    if (state.targets.has(model.id) !== model.waiting.size > 0)
      broken.push(`targets and waiters of ${model.id} disagree`);
    const idle = model.run !== null && !isBusy(model) && model.run.phase !== 'stopping';
    if (state.phase === 'draining' && idle) broken.push(`${model.id} is not stopped although turnout shuts down`);
    for (const key of [...model.waiting, ...model.serving, ...model.quiet, ...model.leases]) {
      if (!state.requests.has(key)) broken.push(`${model.id} still holds a place for request ${key}, which has ended`);
    }
    if (model.serving.size > 0 && model.run === null && state.phase === 'stopped') {
      broken.push(`${model.id} still serves after the end`);
    }
  }
  for (const request of state.requests.values()) {
    const model = mustGet(state, request.model);
    const holder = request.granted === null ? model.waiting : model.serving;
    if (!holder.has(request.key)) broken.push(`request ${request.id} is neither waiting nor being served`);
  }
  const stalled = stalledTarget(state, asked);
  if (stalled !== null) broken.push(`requests for ${stalled.id} wait on nothing`);
  return broken;
}

/** A target whose requests wait on nothing that has an effect under way, a deadline or a question (invariant 5). */
export function stalledTarget(state: Readonly<State>, asked: Asked): ModelState | null {
  if (state.phase !== 'running') return null;
  for (const id of state.targets) {
    const model = mustGet(state, id);
    if (model.run?.phase === 'starting' || swapTo(state, id) !== null || isCommitted(state, id)) continue;
    if (model.pending?.evict.some((victim) => mustGet(state, victim).run !== null)) continue;
    if (model.blocked?.on === 'drain' && state.drain !== null) continue;
    if (askAgainAt(model, asked) !== null) continue;
    return model;
  }
  return null;
}
