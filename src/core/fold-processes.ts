/** The fold of runs: starting, ready, stopping, gone, and the back-off after a failed start. */
import { type Fold, liveRun, modelOf, nothing } from './fold-common.ts';
import { type ModelId, runId } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { Run, State } from './state.ts';

export const PROCESSES = {
  'process.starting': (state, event) => {
    const run = runId(event.position);
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { port, logFile, specDigest, deadline, swap, memory } = event.data;
    model.run = {
      phase: 'starting',
      run,
      model: model.id,
      startingAt: event.at,
      port,
      logFile,
      specDigest,
      memory,
      pid: null,
      startTime: null,
      bootId: null,
      deadline,
    };
    model.idleSince = null;
    model.cache = null;
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
    keepSample(model.loadMs, loadMs, LIMITS.loadSamples);
    state.planEpoch++;
  },
  'process.adopted': (state, event) => {
    const run = liveRun(state, event.model, event.data.run);
    const model = modelOf(state, run?.model);
    if (run === null || model === undefined || run.phase === 'stopping') return;
    const { pid, startTime, bootId, baseUrl, deadline } = event.data;
    Object.assign(run, { pid, startTime, bootId });
    if (run.phase === 'starting') run.deadline = deadline ?? run.deadline;
    else {
      run.baseUrl = baseUrl;
      model.idleSince = event.at;
    }
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
    if (run.phase === 'stopping') keepSample(model.stopMs, event.at - run.since, LIMITS.stopSamples);
    model.run = null;
    model.idleSince = null;
    model.cache = null;
    state.alive.delete(model.id);
    noteCleared(state, model.id, event.at);
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
} satisfies Partial<Fold>;

function keepSample(samples: number[], value: number, max: number): void {
  samples.push(value);
  if (samples.length > max) samples.shift();
}

/** The moment at which the last victim of a swap is gone: from then on its memory should be free. */
function noteCleared(state: State, gone: ModelId, at: number): void {
  for (const swap of state.swaps.values()) {
    if (swap.clearedAt !== null || !swap.evict.includes(gone)) continue;
    if (swap.evict.every((id) => modelOf(state, id)?.run == null)) swap.clearedAt = at;
  }
}

function base(run: Run) {
  const { model, startingAt, port, logFile, specDigest, memory, pid, startTime, bootId } = run;
  return { run: run.run, model, startingAt, port, logFile, specDigest, memory, pid, startTime, bootId };
}
