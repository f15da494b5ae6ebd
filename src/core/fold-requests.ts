/** The fold of requests: who waits, who is served, who is quiet, and what the swap that loaded a model still owes. */
import { type Fold, modelOf, nothing } from './fold-common.ts';
import { type RequestKey, requestKey } from './ids.ts';
import type { ModelState, State } from './state.ts';

export const REQUESTS = {
  'request.arrived': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return; // refused in the same breath: nothing to keep
    const key = requestKey(event.position);
    const { id, kind, asked, client, session, endpoint, bytes, streaming, priority } = event.data;
    state.requests.set(key, {
      key,
      id,
      kind,
      model: model.id,
      asked,
      client,
      session,
      endpoint,
      bytes,
      streaming,
      priority,
      arrivedAt: event.at,
      granted: null,
    });
    model.waiting.add(key);
    state.targets.add(model.id);
  },
  'request.granted': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    const model = modelOf(state, request?.model);
    if (request === undefined || model === undefined) return;
    request.granted = { run: event.data.run, at: event.at };
    model.serving.add(request.key);
    model.lastClient = request.client;
    stopWaiting(state, model, request.key);
  },
  'request.retried': nothing,
  'request.quieted': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    const model = modelOf(state, request?.model);
    if (request === undefined || model === undefined) return;
    model.quiet.add(request.key);
    if (model.run?.phase === 'ready') model.idleSince = event.at;
    endLease(state, model, request.key);
  },
  'request.resumed': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    modelOf(state, request?.model)?.quiet.delete(event.request as RequestKey);
  },
  'request.finished': (state, event) => endRequest(state, event.request, event.at),
  'request.rejected': (state, event) => endRequest(state, event.request, event.at),
  'request.cancelled': (state, event) => endRequest(state, event.request, event.at),
  'request.lost': (state, event) => endRequest(state, event.request, event.at),
} satisfies Partial<Fold>;

function endRequest(state: State, key: RequestKey | undefined, at: number): void {
  const request = key === undefined ? undefined : state.requests.get(key);
  if (request === undefined) return;
  state.requests.delete(request.key);
  const model = modelOf(state, request.model);
  if (model === undefined) return;
  if (model.serving.delete(request.key) && model.run?.phase === 'ready') model.idleSince = at;
  model.quiet.delete(request.key);
  endLease(state, model, request.key);
  stopWaiting(state, model, request.key);
}

function endLease(state: State, model: ModelState, key: RequestKey): void {
  if (model.leases.delete(key) && model.leases.size === 0) state.planEpoch++;
}

function stopWaiting(state: State, model: ModelState, key: RequestKey): void {
  model.waiting.delete(key);
  if (model.waiting.size > 0) return;
  state.targets.delete(model.id);
  model.blocked = null;
  model.pending = null;
}
