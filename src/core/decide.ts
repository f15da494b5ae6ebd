/**
 * What an input means: report in, facts out. Deterministic; reads no clock and performs nothing. What follows from a
 * state of its own accord (starts, grants, drains) is settle.ts, which the loop runs after every input.
 */
import { type Batch, newBatch } from './batch.ts';
import { answerReceived } from './decide-answer.ts';
import { clockReached } from './decide-clock.ts';
import { abandonSwap, failStart, killAt, rejectWaiting, stopRun } from './endings.ts';
import type { Draft, EventData } from './events.ts';
import { type Position, requestKey } from './ids.ts';
import type { Input } from './inputs.ts';
import { canServe, type Requirements, retryAfterSec } from './rules.ts';
import type { ModelState, State } from './state.ts';

type InputOf<T extends Input['type']> = Extract<Input, { type: T }>;
type Handler<T extends Input['type']> = (
  batch: Batch,
  state: Readonly<State>,
  input: InputOf<T>,
  now: number,
  rules: Requirements,
) => void;

/** Events that follow from one input. `now` is turnout's own clock in ms. */
export function decide(state: Readonly<State>, input: Input, now: number, rules: Requirements): Draft[] {
  const batch = newBatch(state);
  (HANDLE[input.type] as Handler<Input['type']>)(batch, state, input, now, rules);
  return batch.drafts;
}

const HANDLE: { [T in Input['type']]: Handler<T> } = {
  'router.boot': routerBoot,
  'config.loaded': configLoaded,
  'http.request': requestArrived,
  'http.gone': (batch, state, { request, status, bytes }) => {
    const open = state.requests.get(request);
    if (open === undefined) return;
    const stage = open.granted === null ? 'waiting' : 'serving';
    batch.add({ type: 'request.cancelled', model: open.model, request, data: { stage, status, bytes } });
  },
  'http.quiet': (batch, state, { request, quiet, forMs }) => {
    const open = state.requests.get(request);
    const model = open === undefined ? undefined : state.models.get(open.model);
    if (open?.granted == null || model === undefined || model.quiet.has(request) === quiet) return;
    if (quiet) batch.add({ type: 'request.quieted', model: model.id, request, data: { forMs } });
    else batch.add({ type: 'request.resumed', model: model.id, request, data: {} });
  },
  'http.retried': (batch, state, { request, reason }) => {
    const open = state.requests.get(request);
    if (open !== undefined) batch.add({ type: 'request.retried', model: open.model, request, data: { reason } });
  },
  'http.done': requestDone,
  'child.spawned': (batch, state, { run, pid, startTime, bootId }) => {
    const model = modelOfRun(state, run);
    if (model !== null) {
      batch.add({ type: 'process.spawned', model: model.id, cause: run, data: { run, pid, startTime, bootId } });
    }
  },
  'child.ready': (batch, state, { run, baseUrl }, now) => {
    const model = modelOfRun(state, run);
    if (model?.run?.phase !== 'starting') return;
    const loadMs = now - model.run.startingAt;
    batch.add({ type: 'process.ready', model: model.id, cause: run, data: { run, baseUrl, loadMs } });
  },
  'child.exited': childExited,
  'child.flooded': (batch, state, { run, bytesPerSec }) => {
    const model = modelOfRun(state, run);
    if (model === null) return;
    batch.add({ type: 'process.flooded', model: model.id, cause: run, data: { run, bytesPerSec } });
  },
  'clock.reached': clockReached,
  'clock.stepped': (batch, _state, { byMs }) => {
    batch.add({ type: 'clock.stepped', data: { byMs } });
  },
  'planner.answer': answerReceived,
  'operator.unload': unloadAsked,
  'operator.shutdown': shutdownAsked,
  'log.troubled': (batch, _state, { code, message }) => {
    batch.add({ type: 'log.troubled', data: { code, message } });
  },
  'log.replaced': (batch, state, { reason, movedTo }) => {
    const cause = batch.add({ type: 'log.replaced', data: { reason, movedTo } });
    // The fresh log must fold alone: it begins with what every other event refers to.
    const { configHash: hash, settings } = state;
    batch.add({ type: 'config.applied', cause, data: { hash, trigger: 'reload', settings } });
  },
  'log.recovered': (batch, _state, { waitedMs, kept, lost }) => {
    if (lost > 0) batch.add({ type: 'log.gap', data: { count: lost } });
    batch.add({ type: 'log.recovered', data: { waitedMs, kept } });
  },
};

/** Closes what a killed predecessor left open: requests and swaps get their terminal events, its children are stopped. */
function routerBoot(
  batch: Batch,
  state: Readonly<State>,
  { started, replaced }: InputOf<'router.boot'>,
  now: number,
): void {
  const unfinished = state.phase === 'running' || state.phase === 'draining' ? state.started : null;
  const cause = batch.add({ type: 'router.started', data: { ...started, unfinished } });
  if (replaced !== null) batch.add({ type: 'log.replaced', cause, data: replaced });
  for (const request of state.requests.values()) {
    const stage = request.granted === null ? 'waiting' : 'serving';
    batch.add({ type: 'request.lost', model: request.model, request: request.key, cause, data: { stage } });
  }
  for (const swap of state.swaps.values()) {
    batch.add({
      type: 'swap.abandoned',
      model: swap.target,
      cause,
      data: { swap: swap.id, why: 'turnout was killed' },
    });
  }
  if (state.drain !== null) {
    const { id, target } = state.drain;
    batch.add({ type: 'drain.ended', model: target, cause, data: { drain: id, why: 'failed' } });
  }
  for (const model of state.models.values()) {
    if (model.run === null) continue;
    const detail = 'turnout was killed while this run was alive';
    batch.add({
      type: 'process.stopping',
      model: model.id,
      cause,
      data: { run: model.run.run, reason: 'previous-run', killAt: now + model.settings.stopGraceMs, detail },
    });
  }
}

/** Requests that wait for a model that is gone are refused, unless a run of it lives and serves them. */
function configLoaded(
  batch: Batch,
  state: Readonly<State>,
  { hash, trigger, settings }: InputOf<'config.loaded'>,
): void {
  const cause = batch.add({ type: 'config.applied', data: { hash, trigger, settings } });
  const kept = new Set(settings.models.map((model) => model.id));
  for (const model of state.models.values()) {
    const lives = model.run !== null && model.run.phase !== 'stopping';
    if (kept.has(model.id) || lives) continue;
    const reason = `model "${model.id}" left the configuration`;
    rejectWaiting(batch, model, { status: 503, code: 'model-removed', reason, cause });
    abandonSwap(batch, state, model.id, reason, cause);
  }
}

/** Admission and the fast path (spec 4.4 steps 1, 2 and 5); everything else waits and is settled. */
function requestArrived(
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
      data: { ...data, priority: model?.settings.priority ?? 0 },
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
  } else if (model?.run != null && canServe(state, model, rules)) {
    const { run } = model.run;
    batch.add({ type: 'request.granted', model: model.id, request: key, cause: run, data: { run, waitedMs: 0 } });
  }
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

function requestDone(
  batch: Batch,
  state: Readonly<State>,
  { request, report }: InputOf<'http.done'>,
  now: number,
): void {
  const open = state.requests.get(request);
  if (open === undefined) return;
  batch.add({
    type: 'request.finished',
    model: open.model,
    request,
    data: { ...report, totalMs: now - open.arrivedAt },
  });
}

function childExited(batch: Batch, state: Readonly<State>, input: InputOf<'child.exited'>, now: number): void {
  const model = modelOfRun(state, input.run);
  if (model === null) return;
  const { run, code, signal, by, detail, tail } = input;
  const wasStarting = model.run?.phase === 'starting';
  const cause = batch.add({
    type: 'process.exited',
    model: model.id,
    cause: run,
    data: { run, code, signal, by, detail, tail },
  });
  if (wasStarting) failStart(batch, state, model, { run, why: exitWords(input), tail, cause }, now);
}

/** How a process ended, in words that name the exit code or the signal (spec 3.1 for the beginning). */
function exitWords({ code, signal, by, detail }: InputOf<'child.exited'>): string {
  if (by === 'spawn') return detail ?? 'failed to start command';
  const how = signal !== null ? `signal ${signal}` : code !== null ? `exit code ${code}` : 'exit code unknown';
  const who = by === 'oom-killer' ? ', by the OOM killer' : by === 'another' ? ', sent by another process' : '';
  return `upstream command exited prematurely (${how}${who})${detail === null ? '' : `: ${detail}`}`;
}

/** Unloading does not wait for requests in flight (spec 4.7) and never blocks other models. */
function unloadAsked(
  batch: Batch,
  state: Readonly<State>,
  { models, by }: InputOf<'operator.unload'>,
  now: number,
): void {
  const named = models.length > 0 ? models : [...new Set([...state.alive, ...state.targets])];
  const known = named.filter((id) => state.models.has(id));
  const cause = batch.add({ type: 'unload.requested', data: { models: known, by, cause: 'operator' } });
  const refusal = { status: 500, code: 'model-unloaded', reason: 'unspecific error: group: model unloaded', cause };
  for (const id of known) {
    const model = state.models.get(id) as ModelState;
    rejectWaiting(batch, model, refusal);
    abandonSwap(batch, state, id, `${by} asked to unload ${id}`, cause);
    stopRun(batch, model.run, { reason: 'unload', killAt: killAt(state, id, now), cause, detail: `asked by ${by}` });
  }
}

/** The first signal drains, the second stops at once. */
function shutdownAsked(
  batch: Batch,
  state: Readonly<State>,
  { signal, force }: InputOf<'operator.shutdown'>,
  now: number,
): void {
  if (state.phase === 'stopped') return;
  let cause: Position | undefined;
  if (state.phase !== 'draining') {
    cause = batch.add({ type: 'router.draining', data: { signal } });
    const reason = 'unspecific error: group is shutting down';
    for (const id of state.targets) {
      const model = state.models.get(id) as ModelState;
      rejectWaiting(batch, model, { status: 500, code: 'shutting-down', reason, cause });
    }
    for (const swap of state.swaps.values()) abandonSwap(batch, state, swap.target, 'turnout is shutting down', cause);
  }
  if (!force && state.phase !== 'draining') return;
  for (const id of state.alive) {
    const model = state.models.get(id) as ModelState;
    stopRun(batch, model.run, { reason: 'shutdown', killAt: now, ...(cause === undefined ? {} : { cause }) });
    killRun(batch, model, `${signal} came a second time`);
  }
}

function killRun(batch: Batch, model: ModelState, why: string): void {
  if (model.run === null || (model.run.phase === 'stopping' && model.run.killed)) return;
  batch.add({ type: 'process.killed', model: model.id, cause: model.run.run, data: { run: model.run.run, why } });
}

function modelOfRun(state: Readonly<State>, run: number): ModelState | null {
  for (const id of state.alive) {
    const model = state.models.get(id);
    if (model?.run?.run === run) return model;
  }
  return null;
}
