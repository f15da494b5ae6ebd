/** The runs of a slice, from its events: how long each took to come up and to go, and which failed or crashed when. */
import type { TurnoutEvent } from '../../events.ts';
import { type ModelId, type RunId, runId } from '../../ids.ts';
import type { State } from '../../state.ts';
import { exitOf, type RecordedRun } from './trace.ts';

export interface RunReader {
  readonly runs: Map<ModelId, RecordedRun[]>;
  readonly earlier: Map<RunId, RecordedRun>;
  take(event: TurnoutEvent): void;
  /** The slice ends: what is not ready by then took longer. */
  close(at: number): void;
}

interface Open {
  run: RecordedRun;
  startingAt: number;
  readyAt: number | null;
  stoppingAt: number | null;
}

/** Runs that are alive in `state` go on in the slice. */
export function readRuns(state: Readonly<State>): RunReader {
  const runs = new Map<ModelId, RecordedRun[]>();
  const earlier = new Map<RunId, RecordedRun>();
  const open = new Map<RunId, Open>();
  for (const { run } of state.models.values()) {
    if (run === null) continue;
    const one = fresh(run.model);
    earlier.set(run.run, one);
    const readyAt = run.phase === 'starting' ? null : run.readyAt;
    if (run.phase !== 'starting' && readyAt !== null) {
      one.coming = { how: 'ready', ms: readyAt - run.startingAt, key: state.position };
    }
    const stoppingAt = run.phase === 'stopping' ? run.since : null;
    open.set(run.run, { run: one, startingAt: run.startingAt, readyAt, stoppingAt });
  }

  return {
    runs,
    earlier,
    close(at) {
      for (const { run, startingAt, readyAt, stoppingAt } of open.values()) {
        if (stoppingAt !== null) run.stopAtLeastMs = at - stoppingAt;
        else if (readyAt === null) run.coming = { how: 'unknown', atLeastMs: at - startingAt };
      }
    },
    take(event) {
      const { at, position: key } = event;
      if (event.type === 'process.starting') {
        const model = event.model as ModelId;
        const run = fresh(model);
        const list = runs.get(model) ?? [];
        runs.set(model, list);
        list.push(run);
        open.set(runId(key), { run, startingAt: at, readyAt: null, stoppingAt: null });
        return;
      }
      if (!event.type.startsWith('process.') && event.type !== 'memory.observed') return;
      const one = open.get((event.data as { run: RunId }).run);
      if (one === undefined) return;
      const { run, startingAt, readyAt, stoppingAt } = one;
      switch (event.type) {
        case 'process.spawned':
          run.spawned = { ms: at - startingAt, key };
          return;
        case 'process.ready':
          one.readyAt = at;
          run.coming = { how: 'ready', ms: at - startingAt, key };
          return;
        case 'process.stopping':
          one.stoppingAt ??= at;
          if (event.data.reason === 'health-timeout') run.coming = { how: 'never' };
          else if (readyAt === null) run.coming = { how: 'unknown', atLeastMs: at - startingAt };
          return;
        case 'memory.observed':
          if (readyAt !== null) run.observed.push({ ms: at - readyAt, key, bytes: event.data.bytes });
          return;
        case 'process.exited': {
          const exit = exitOf(event.data);
          if (stoppingAt !== null) run.stop = { ms: at - stoppingAt, key, exit };
          else if (readyAt !== null) run.crash = { ms: at - readyAt, key, exit };
          else run.coming = { how: 'failed', ms: at - startingAt, key, exit };
          open.delete(event.data.run);
        }
      }
    },
  };
}

function fresh(model: ModelId): RecordedRun {
  return {
    model,
    spawned: null,
    coming: { how: 'unknown', atLeastMs: 0 },
    crash: null,
    stop: null,
    stopAtLeastMs: 0,
    observed: [],
  };
}
