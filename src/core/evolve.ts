/**
 * The fold: what each event does to the state. Changes the one state that the caller owns in place (copying it costs five
 * times as much), reads nothing but the event and the state, and never decides anything.
 */
import type { EventOf, EventType, TurnoutEvent } from './events.ts';
import { type ModelId, type RequestKey, type RunId, requestKey, runId, swapId } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { ModelSettings } from './settings.ts';
import type { ModelState, Run, State } from './state.ts';

/** The state before the first event. */
export function emptyState(): State {
  return {
    position: 0,
    at: 0,
    phase: 'booting',
    started: 0,
    seed: 0,
    drainingSince: null,
    planEpoch: 0,
    settings: {
      models: [],
      groups: [],
      planner: 'group',
      maxWaitMs: null,
      queueTimeoutMs: LIMITS.queueTimeoutMs,
      drainTimeoutMs: LIMITS.drainTimeoutMs,
      onTrouble: 'serve',
    },
    configHash: '',
    models: new Map(),
    targets: new Set(),
    alive: new Set(),
    requests: new Map(),
    swaps: new Map(),
    drain: null,
    logTroubled: null,
    stalled: null,
  };
}

/** Folds one event into the state that the caller owns. */
export function evolve(state: State, event: TurnoutEvent): void {
  state.position = event.position;
  state.at = event.at;
  (FOLD[event.type] as (state: State, event: TurnoutEvent) => void)(state, event);
}

/** The state after these events. */
export function fold(events: Iterable<TurnoutEvent>, state: State = emptyState()): State {
  for (const event of events) evolve(state, event);
  return state;
}

type Fold = { [T in EventType]: (state: State, event: EventOf<T>) => void };

const nothing = (): void => {};

const FOLD: Fold = {
  'router.started': (state, event) => {
    state.phase = 'running';
    state.started = event.position;
    state.seed = event.data.seed;
    state.drainingSince = null;
    state.logTroubled = null;
    state.stalled = null;
    state.planEpoch++;
  },
  'router.draining': (state, event) => {
    state.phase = 'draining';
    state.drainingSince = event.at;
    state.planEpoch++;
  },
  'router.stopped': (state) => {
    state.phase = 'stopped';
  },
  'clock.stepped': nothing,
  'config.applied': (state, event) => {
    state.settings = event.data.settings;
    state.configHash = event.data.hash;
    state.models = modelsOf(state, event.data.settings.models);
    state.planEpoch++;
  },
  'log.gap': nothing,
  'log.troubled': (state, event) => {
    state.logTroubled = { code: event.data.code, message: event.data.message, since: event.at };
  },
  'log.recovered': (state) => {
    state.logTroubled = null;
  },
  'log.replaced': nothing,

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

  'plan.decided': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { verdict, outcome, epoch } = event.data;
    if (outcome === 'rejected') model.blocked = null; // those that were not refused are asked about again
    model.pending =
      outcome === 'pending' && verdict.action === 'swap'
        ? {
            evict: verdict.evict,
            epoch,
            plan: event.position,
            reason: verdict.reason,
            drain: verdict.when === 'drain',
          }
        : null;
  },
  'plan.rejected': nothing,
  'target.blocked': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    model.blocked = { on: event.data.on, until: event.data.until, reason: event.data.reason, at: event.at };
    if (event.data.on !== 'swap') model.pending = null;
  },

  'swap.draining': (state, event) => {
    state.drain = {
      id: event.position,
      target: event.model as ModelId,
      evict: event.data.evict,
      since: event.at,
      until: event.data.until,
      swap: null,
    };
    state.planEpoch++;
  },
  'drain.ended': (state) => {
    state.drain = null;
    state.planEpoch++;
  },
  'swap.started': (state, event) => {
    const id = swapId(event.position);
    const target = event.model as ModelId;
    const { evict, drain } = event.data;
    const model = modelOf(state, target);
    if (model === undefined) return;
    state.swaps.set(id, { id, target, evict, drain, startedAt: event.at, run: null });
    if (state.drain !== null && state.drain.id === drain) state.drain.swap = id;
    model.pending = null;
    model.blocked = null;
    state.planEpoch++;
  },
  'swap.finished': (state, event) => {
    const swap = state.swaps.get(event.data.swap);
    state.swaps.delete(event.data.swap);
    const model = modelOf(state, swap?.target);
    if (model !== undefined && event.data.ok) model.leases = new Set(model.waiting);
    state.planEpoch++;
  },
  'swap.abandoned': (state, event) => {
    state.swaps.delete(event.data.swap);
    state.planEpoch++;
  },

  'process.starting': (state, event) => {
    const run = runId(event.position);
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { port, logFile, specDigest, deadline, swap } = event.data;
    model.run = {
      phase: 'starting',
      run,
      model: model.id,
      startingAt: event.at,
      port,
      logFile,
      specDigest,
      pid: null,
      startTime: null,
      bootId: null,
      deadline,
    };
    model.idleSince = null;
    state.alive.add(model.id);
    const started = swap === null ? undefined : state.swaps.get(swap);
    if (started !== undefined) started.run = run;
    state.planEpoch++;
  },
  'process.spawned': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    if (run === null) return;
    run.pid = event.data.pid;
    run.startTime = event.data.startTime;
    run.bootId = event.data.bootId;
  },
  'process.ready': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    const model = modelOf(state, run?.model);
    if (run === null || model === undefined) return;
    const { baseUrl, loadMs } = event.data;
    model.run = { ...base(run), phase: 'ready', baseUrl, readyAt: event.at, loadMs };
    model.idleSince = event.at;
    model.backoff = null;
    model.loadMs.push(loadMs);
    if (model.loadMs.length > LIMITS.loadSamples) model.loadMs.shift();
    state.planEpoch++;
  },
  'process.stopping': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    const model = modelOf(state, run?.model);
    if (run === null || model === undefined) return;
    const readyAt = run.phase === 'starting' ? null : run.readyAt;
    const { reason, killAt } = event.data;
    model.run = { ...base(run), phase: 'stopping', reason, since: event.at, killAt, killed: false, readyAt };
    // A stale run is followed by a new one within the same swap.
    if (reason === 'stale') for (const swap of state.swaps.values()) if (swap.run === run.run) swap.run = null;
    model.idleSince = null;
    state.planEpoch++;
  },
  'process.killed': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    if (run?.phase === 'stopping') run.killed = true;
  },
  'process.exited': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    const model = modelOf(state, run?.model);
    if (run === null || model === undefined) return;
    model.run = null;
    model.idleSince = null;
    state.alive.delete(model.id);
    state.planEpoch++;
  },
  'process.flooded': nothing,
  'model.backed-off': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { failures, until, why, tail } = event.data;
    model.backoff = { failures, until, why, tail };
    state.planEpoch++;
  },
  'unload.requested': nothing,
  'stall.detected': (state, event) => {
    state.stalled = event.data.what;
    const model = modelOf(state, event.model);
    if (model !== undefined) {
      model.blocked = null;
      model.pending = null;
    }
    state.planEpoch++;
  },
};

/** The model of an event. A log that begins in the middle (after a damaged one was set aside) may not know it yet. */
function modelOf(state: State, id: ModelId | undefined): ModelState | undefined {
  return id === undefined ? undefined : state.models.get(id);
}

/** The live run with this number, or null for a late report of an old one. */
function liveRun(state: State, id: ModelId | undefined, run: RunId): Run | null {
  const model = modelOf(state, id);
  return model?.run?.run === run ? model.run : null;
}

function base(run: Run) {
  const { model, startingAt, port, logFile, specDigest, pid, startTime, bootId } = run;
  return { run: run.run, model, startingAt, port, logFile, specDigest, pid, startTime, bootId };
}

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

function modelsOf(state: State, settings: readonly ModelSettings[]): Map<ModelId, ModelState> {
  const models = new Map<ModelId, ModelState>();
  for (const one of settings) {
    const known = state.models.get(one.id);
    if (known === undefined) {
      models.set(one.id, freshModel(one));
      continue;
    }
    if (known.settings.specDigest !== one.specDigest) known.backoff = null;
    known.settings = one;
    known.configured = true;
    models.set(one.id, known);
  }
  const named = namedModels(state);
  for (const [id, model] of state.models) {
    if (models.has(id)) continue;
    model.configured = false;
    const inUse = model.run !== null || model.waiting.size > 0 || model.serving.size > 0;
    if (inUse || named.has(id)) models.set(id, model); // until the next configuration
  }
  return models;
}

/** Models that swaps, decided ones too, and the drain refer to. */
function namedModels(state: State): Set<ModelId> {
  const named = new Set<ModelId>(state.drain === null ? [] : [state.drain.target, ...state.drain.evict]);
  for (const { target, evict } of state.swaps.values()) for (const id of [target, ...evict]) named.add(id);
  for (const { pending } of state.models.values()) for (const id of pending?.evict ?? []) named.add(id);
  return named;
}

function freshModel(settings: ModelSettings): ModelState {
  return {
    id: settings.id,
    settings,
    configured: true,
    run: null,
    serving: new Set(),
    quiet: new Set(),
    waiting: new Set(),
    leases: new Set(),
    idleSince: null,
    lastClient: null,
    loadMs: [],
    backoff: null,
    blocked: null,
    pending: null,
  };
}
