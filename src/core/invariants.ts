/**
 * What must never happen, as checks over a state and over an event about to be folded. The loop asserts the cheap ones,
 * tests and the simulation check all after every step. Pure.
 */
import type { TurnoutEvent } from './events.ts';
import { type Asked, askAgainAt, isCommitted } from './plan.ts';
import { mustGet, type Requirements, swapTo } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Violations of an event against the state just before it; empty when all is well. */
export function checkEvent(state: Readonly<State>, event: TurnoutEvent, rules: Requirements): string[] {
  const broken: string[] = [];
  if (event.position !== state.position + 1) broken.push(`position ${event.position} follows ${state.position}`);
  if (event.at < state.at) broken.push(`time runs backwards at position ${event.position}`);
  if (event.type === 'process.starting' && event.model !== undefined) {
    const model = mustGet(state, event.model);
    if (model.run !== null) broken.push(`a second run of ${model.id} starts while run ${model.run.run} lives`);
    const others = [...state.alive].filter((id) => id !== model.id);
    const beside = rules.requires(model.id, others);
    if (beside.length > 0) broken.push(`${model.id} starts beside ${beside.join(', ')}`);
  }
  if (event.type === 'process.stopping' && event.model !== undefined) {
    const { reason } = event.data;
    const model = mustGet(state, event.model);
    if ((reason === 'swap' || reason === 'ttl') && (model.serving.size > 0 || model.leases.size > 0)) {
      broken.push(`${model.id} is stopped (${reason}) while it serves or owes requests`);
    }
  }
  if (event.type === 'request.granted' && event.model !== undefined) {
    const { run } = mustGet(state, event.model);
    if (run?.phase !== 'ready' || run.run !== event.data.run) broken.push(`${event.model} is granted while not ready`);
  }
  return broken;
}

/** Violations of a state at rest, with no question outstanding; empty when all is well. */
export function checkState(state: Readonly<State>, asked: Asked): string[] {
  const broken: string[] = [];
  for (const model of state.models.values()) {
    if (state.alive.has(model.id) !== (model.run !== null)) broken.push(`alive and run of ${model.id} disagree`);
    if (state.targets.has(model.id) !== model.waiting.size > 0)
      broken.push(`targets and waiters of ${model.id} disagree`);
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
