/**
 * Processes in virtual time: each start and stop takes what the log says it took, a recorded failure or crash happens
 * again. Must never decide when anything starts or stops.
 */
import type { ChildFound } from '../../adoption.ts';
import type { ModelId, RunId } from '../../ids.ts';
import type { Input } from '../../inputs.ts';
import type { State } from '../../state.ts';
import type { Durations } from './durations.ts';
import type { Timeline } from './timeline.ts';
import type { Exit, RecordedRun, Survivor } from './trace.ts';

/** A process that was killed and of which the log says no more is gone after this. */
const KILLED_GONE_MS = 100;
const NEVER = Number.POSITIVE_INFINITY;

interface Living {
  model: ModelId;
  recorded: RecordedRun;
  cancel: (() => void)[];
  stopping: boolean;
  /** It said that it is ready, be it to nobody. */
  ready: boolean;
}

export interface SimProcesses {
  start(run: RunId, model: ModelId): void;
  stop(run: RunId, model: ModelId): void;
  kill(run: RunId): void;
  /** Goes on with what lives in a state. */
  resume(state: Readonly<State>): void;
  /** What a start finds of the runs of a state; `survivors`: what the recorded one made of what it found. */
  found(state: Readonly<State>, survivors: ReadonlyMap<ModelId, Survivor>): ChildFound[];
  /** The start is over: of an adopted run that came up while no turnout was there, its health check says so now. */
  adopted(state: Readonly<State>): void;
}

export function createSimProcesses(
  timeline: Timeline,
  durations: Durations,
  post: (input: Input) => void,
): SimProcesses {
  const living = new Map<RunId, Living>();

  const later = (one: Living, at: number, key: number, what: () => void) => {
    one.cancel.push(timeline.at(at, key, what));
  };

  function exit(run: RunId, { code, signal, by, detail, tail }: Exit): void {
    const one = living.get(run);
    if (one === undefined) return;
    for (const cancel of one.cancel) cancel();
    living.delete(run);
    post({ type: 'child.exited', run, code, signal, by, detail, tail });
  }

  function spawned(run: RunId, one: Living, startingAt: number): void {
    const { recorded } = one;
    const fails = recorded.coming.how === 'failed';
    if (recorded.spawned === null && fails) return;
    const { ms, key } = recorded.spawned ?? { ms: 0, key: NEVER };
    later(one, startingAt + ms, key, () => {
      post({ type: 'child.spawned', run, pid: run, startTime: String(run), bootId: 'simulated' });
    });
  }

  function comesUp(run: RunId, one: Living, startingAt: number): void {
    const { coming } = one.recorded;
    if (coming.how === 'failed') later(one, startingAt + coming.ms, coming.key, () => exit(run, coming.exit));
    if (coming.how !== 'ready') return;
    later(one, startingAt + coming.ms, coming.key, () => {
      one.ready = true;
      post({ type: 'child.ready', run, baseUrl: `sim://${run}` });
      isReady(run, one, timeline.now());
    });
  }

  function isReady(run: RunId, one: Living, readyAt: number): void {
    const { crash, observed } = one.recorded;
    for (const { ms, key, bytes } of observed) {
      if (readyAt + ms < timeline.now()) continue;
      later(one, readyAt + ms, key, () => post({ type: 'devices.sampled', devices: [], runs: [{ run, bytes }] }));
    }
    if (crash !== null) later(one, readyAt + crash.ms, crash.key, () => exit(run, crash.exit));
  }

  function enter(run: RunId, model: ModelId, recorded: RecordedRun): Living {
    const one: Living = { model, recorded, cancel: [], stopping: false, ready: false };
    living.set(run, one);
    return one;
  }

  function stop(run: RunId, one: Living, since: number): void {
    one.stopping = true;
    for (const cancel of one.cancel) cancel();
    one.cancel = [];
    const { stop: recorded, stopAtLeastMs } = one.recorded;
    const typicalMs = Math.max(durations.stopMs(one.model), stopAtLeastMs + (stopAtLeastMs > 0 ? 1 : 0));
    const { ms, key, exit: how } = recorded ?? { ms: typicalMs, key: NEVER, exit: STOPPED };
    later(one, since + ms, key, () => exit(run, how));
  }

  return {
    start(run, model) {
      const one = enter(run, model, durations.nextRun(model));
      spawned(run, one, timeline.now());
      comesUp(run, one, timeline.now());
    },
    stop(run, model) {
      const one = living.get(run) ?? enter(run, model, durations.earlierRun(run, model));
      if (!one.stopping) stop(run, one, timeline.now());
    },
    kill(run) {
      const one = living.get(run);
      if (one === undefined || one.recorded.stop !== null) return;
      later(one, timeline.now() + KILLED_GONE_MS, NEVER, () => exit(run, KILLED));
    },
    found(state, survivors) {
      return [...state.models.values()].flatMap(({ id, run }): ChildFound[] => {
        if (run === null) return [];
        const survivor = survivors.get(id) ?? NEW_SURVIVOR;
        if (!survivor.adopted) return [{ run: run.run, adoptable: false, why: survivor.why }];
        if (!living.has(run.run)) return [{ run: run.run, adoptable: false, why: 'its process is gone' }];
        const known = run.phase === 'ready' ? run.baseUrl : `sim://${run.run}`;
        const { pid, startTime, bootId } = run;
        return [
          {
            run: run.run,
            adoptable: true,
            pid: pid ?? run.run,
            startTime: startTime ?? String(run.run),
            bootId: bootId ?? 'simulated',
            baseUrl: known,
          },
        ];
      });
    },
    adopted(state) {
      for (const { run } of state.models.values()) {
        if (run?.phase !== 'starting' || living.get(run.run)?.ready !== true) continue;
        post({ type: 'child.ready', run: run.run, baseUrl: `sim://${run.run}` });
      }
    },
    resume(state) {
      for (const { id, run } of state.models.values()) {
        if (run === null) continue;
        const one = enter(run.run, id, durations.earlierRun(run.run, id));
        if (run.phase === 'stopping') stop(run.run, one, run.since);
        else if (run.phase === 'ready') isReady(run.run, one, run.readyAt);
        else {
          if (run.pid === null) spawned(run.run, one, run.startingAt);
          comesUp(run.run, one, run.startingAt);
        }
      }
    },
  };
}

/** One that the recorded start did not find, for it had no such run. */
const NEW_SURVIVOR: Survivor = { adopted: true };
const STOPPED: Exit = { code: 0, signal: null, by: 'turnout', detail: null, tail: [] };
const KILLED: Exit = { code: null, signal: 'SIGKILL', by: 'turnout', detail: null, tail: [] };
