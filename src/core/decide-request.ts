/** Admission of a request: refused at once, granted at once, or left waiting for settle.ts to deal with. */
import type { Batch } from './batch.ts';
import { reject } from './endings.ts';
import type { EventData } from './events.ts';
import { type ModelId, type RequestKey, requestKey } from './ids.ts';
import type { InputOf } from './inputs.ts';
import { canServe, clientPriority, mustGet, type Requirements, retryAfterSec, swapEvicting, swapTo } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Admission and the fast path (spec 4.4 steps 1, 2 and 5); everything else waits and is settled. */
export function requestArrived(
  batch: Batch,
  state: Readonly<State>,
  { arrival }: InputOf<'http.request'>,
  now: number,
  rules: Requirements,
): void {
  const model = arrival.model === null ? undefined : state.models.get(arrival.model);
  const { model: resolved, ...data } = arrival;
  const key = requestKey(
    batch.add({
      type: 'request.arrived',
      ...(resolved === null ? {} : { model: resolved }),
      request: requestKey(state.position + 1),
      data: { ...data, priority: priorityOf(state, model, arrival.client) },
    }),
  );
  const refusal = admission(state, model, arrival, now);
  if (refusal !== null) {
    batch.add({
      type: 'request.rejected',
      ...(resolved === null ? {} : { model: resolved }),
      request: key,
      data: refusal,
    });
  } else if (model !== undefined && isNotLoaded(state, model) && arrival.kind !== 'load') {
    onDemand(batch, state, model, key, rules);
  } else if (model?.run != null && canServe(state, model, rules)) {
    const { run } = model.run;
    batch.add({ type: 'request.granted', model: model.id, request: key, cause: run, data: { run, waitedMs: 0 } });
  }
}

/** A client's priority is added to its model's. */
function priorityOf(state: Readonly<State>, model: ModelState | undefined, client: string): number {
  return (model?.settings.priority ?? 0) + clientPriority(state, client);
}

function isNotLoaded(state: Readonly<State>, model: ModelState): boolean {
  if (model.settings.onDemand.action === 'load') return false;
  return (model.run === null || model.run.phase === 'stopping') && swapTo(state, model.id) === null;
}

/** A model that requests alone do not load: another one serves in its place, or it is refused. */
function onDemand(
  batch: Batch,
  state: Readonly<State>,
  model: ModelState,
  request: RequestKey,
  rules: Requirements,
): void {
  const rule = model.settings.onDemand;
  if (rule.action === 'redirect') {
    const to = rule.to.find((id) => hasPlace(state, id, rules));
    if (to !== undefined) {
      const { run } = mustGet(state, to);
      const reason = `${model.id} is not loaded and ${to} is`;
      const cause = batch.add({ type: 'request.redirected', model: model.id, request, data: { to, reason } });
      if (run !== null)
        batch.add({ type: 'request.granted', model: to, request, cause, data: { run: run.run, waitedMs: 0 } });
      return;
    }
    if (rule.otherwise === 'load') return;
  }
  const reason = `model "${model.id}" is not loaded and requests do not load it (turnout.onDemand): load it by hand`;
  reject(batch, model.id, request, { status: 503, code: 'not-loaded', reason });
}

function hasPlace(state: Readonly<State>, id: ModelId, rules: Requirements): boolean {
  const model = state.models.get(id);
  if (model === undefined || !canServe(state, model, rules) || swapEvicting(state, id) !== null) return false;
  return model.waiting.size + model.serving.size < model.settings.concurrencyLimit;
}

function admission(
  state: Readonly<State>,
  model: ModelState | undefined,
  arrival: InputOf<'http.request'>['arrival'],
  now: number,
): EventData['request.rejected'] | null {
  const none = { retryAfterSec: null };
  if (state.phase !== 'running') {
    return { status: 500, code: 'shutting-down', reason: 'unspecific error: group is shutting down', ...none };
  }
  if (model === undefined) {
    return { status: 404, code: 'unknown-model', reason: 'no router for requested model', ...none };
  }
  if (!model.configured && model.run === null) {
    return { status: 503, code: 'model-removed', reason: `model "${model.id}" left the configuration`, ...none };
  }
  if (state.logTroubled !== null && state.settings.onTrouble === 'refuse') {
    const reason = `the event log cannot be written (${state.logTroubled.message})`;
    return { status: 503, code: 'log-unavailable', reason, retryAfterSec: 5 };
  }
  if (arrival.kind === 'load') return null;
  if (model.waiting.size + model.serving.size >= model.settings.concurrencyLimit) {
    return { status: 429, code: 'concurrency-limit', reason: 'Too many requests', retryAfterSec: 1 };
  }
  const { backoff } = model;
  const isUp = model.run !== null && model.run.phase !== 'stopping';
  if (backoff !== null && backoff.until > now && !isUp) {
    const after = retryAfterSec(backoff.until, now);
    const reason = `model "${model.id}" failed to start ${backoff.failures} time${backoff.failures === 1 ? '' : 's'} in a row (${backoff.why}); next try in ${after} s${backoff.tail.length > 0 ? `; last output: ${backoff.tail.slice(-5).join(' | ')}` : ''}`;
    return { status: 503, code: 'backed-off', reason, retryAfterSec: after };
  }
  return null;
}
