/**
 * Loads that nobody asked for, as requests of turnout's own (kind `idle`): they wait like any other, end as soon as the
 * model is ready, and give way at once to a client that wants another model.
 */
import type { Batch } from './batch.ts';
import { abandonSwap } from './endings.ts';
import { idleWish, keptFromIdleLoads } from './idle.ts';
import { requestId, requestKey } from './ids.ts';
import { aliveOrComing, mustGet, type Requirements } from './rules.ts';
import type { State } from './state.ts';

/** What an idle load's client is called in events. */
export const IDLE_CLIENT = 'turnout';

/** It is over as soon as the model is ready: nobody is served. */
export function finishIdleLoad(batch: Batch, state: Readonly<State>, now: number): void {
  const request = state.idleRequest === null ? undefined : state.requests.get(state.idleRequest);
  if (request === undefined || request.granted === null) return;
  const { key, model, arrivedAt } = request;
  const data = { outcome: 'ok', status: 200, bytes: 0, firstByteMs: null, usage: null, error: null } as const;
  batch.add({ type: 'request.finished', model, request: key, data: { ...data, totalMs: now - arrivedAt } });
}

/** A client that waits for another model comes first; a start that is under way goes on unless it is in the way. */
export function yieldIdleLoad(batch: Batch, state: Readonly<State>): void {
  const request = state.idleRequest === null ? undefined : state.requests.get(state.idleRequest);
  if (request === undefined || request.granted !== null || state.targets.size < 2) return;
  if (mustGet(state, request.model).waiting.size > 1) return; // a client joined it
  const data = { stage: 'waiting', status: null, bytes: 0 } as const;
  batch.add({ type: 'request.cancelled', model: request.model, request: request.key, data });
  abandonSwap(batch, state, request.model, 'a client asked for another model');
}

/** Begins the load that is wished for, unless it would put out what is kept warm. */
export function loadWhenIdle(batch: Batch, state: Readonly<State>, now: number, rules: Requirements): void {
  const wish = idleWish(state, now);
  if (wish === null) return;
  const kept = new Set(keptFromIdleLoads(state, now));
  // Those that are kept come first, so that a sum that fits is found with them in it.
  const alive = aliveOrComing(state, wish.model).sort((a, b) => Number(kept.has(b)) - Number(kept.has(a)));
  if (rules.requires(wish.model, alive).some((id) => kept.has(id))) return;
  const { settings } = mustGet(state, wish.model);
  batch.add({
    type: 'request.arrived',
    model: wish.model,
    request: requestKey(state.position + 1),
    data: {
      id: requestId(`idle_${state.position + 1}`),
      kind: 'idle',
      asked: wish.model,
      client: IDLE_CLIENT,
      session: null,
      method: 'LOAD',
      endpoint: wish.why,
      bytes: 0,
      streaming: false,
      priority: settings.priority,
    },
  });
}
