/** The fold of requests: who waits, who is served, who is quiet, and what the swap that loaded a model still owes. */
import { noteAsk } from './demand.ts';
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
      redirectedFrom: null,
      arrivedAt: event.at,
      granted: null,
    });
    model.waiting.add(key);
    state.targets.add(model.id);
    if (kind === 'idle') {
      model.idleLoadAt = event.at;
      state.idleRequest = key;
      return;
    }
    state.idleSince = null;
    noteAsk(model.asked, event.at);
  },
  'request.granted': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    const model = modelOf(state, request?.model);
    if (request === undefined || model === undefined) return;
    if (state.targets.size > 1 && servesAhead(state, model, request.arrivedAt)) state.swapsAvoided++;
    request.granted = { run: event.data.run, at: event.at };
    model.serving.add(request.key);
    model.lastClient = request.client;
    stopWaiting(state, model, request.key);
  },
  'request.redirected': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    const to = modelOf(state, event.data.to);
    const from = modelOf(state, request?.model);
    if (request === undefined || to === undefined || from === undefined) return;
    stopWaiting(state, from, request.key);
    request.redirectedFrom = from.id;
    request.model = to.id;
    to.waiting.add(request.key);
    state.targets.add(to.id);
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
  'request.finished': (state, event) => {
    const request = state.requests.get(event.request as RequestKey);
    const model = modelOf(state, request?.model);
    const { usage } = event.data;
    if (model?.run?.phase === 'ready' && usage !== null) {
      const tokens = (usage.inputTokens ?? 0) + (usage.cachedTokens ?? 0) + (usage.outputTokens ?? 0);
      model.cache = { tokens, prefillPerSecond: usage.promptPerSecond ?? model.cache?.prefillPerSecond ?? null };
    }
    endRequest(state, event.request, event.at);
  },
  'request.rejected': (state, event) => endRequest(state, event.request, event.at),
  'request.cancelled': (state, event) => endRequest(state, event.request, event.at),
  'request.lost': (state, event) => endRequest(state, event.request, event.at),
} satisfies Partial<Fold>;

/** Whether somebody who came earlier waits for a swap that would stop this model: first come, first served had swapped. */
function servesAhead(state: State, model: ModelState, arrivedAt: number): boolean {
  for (const id of state.targets) {
    const target = modelOf(state, id);
    if (target?.pending?.evict.includes(model.id) !== true) continue;
    for (const key of target.waiting) {
      if ((state.requests.get(key)?.arrivedAt ?? arrivedAt) < arrivedAt) return true;
      break;
    }
  }
  return false;
}

function endRequest(state: State, key: RequestKey | undefined, at: number): void {
  const request = key === undefined ? undefined : state.requests.get(key);
  if (request === undefined) return;
  state.requests.delete(request.key);
  if (request.key === state.idleRequest) state.idleRequest = null;
  else if (state.requests.size === (state.idleRequest === null ? 0 : 1)) state.idleSince = at;
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
