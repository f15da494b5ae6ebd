/**
 * Processes in virtual time behind the runtime's seam. They outlive the kernel that started them. `alive` is the truth of
 * the world against which the kernel's belief is checked.
 */
import type { ModelId, RunId } from '../ids.ts';
import type { LaunchSpec, Observation, ProcessRuntime, RecordedRun } from '../runtime/process-runtime.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface ProcessFaults {
  loadMsMax: number;
  /** Load times that are not left to chance. */
  loadMsOf?: Record<string, number>;
  neverReady: number;
  crashLoading: number;
  crashServing: number;
  ignoreTerm: number;
  spawnFails: number;
  /** A `cmdStop` that does not return: nothing happens until KILL, and that takes seconds. */
  stopHangs: number;
  /** What outlives its kernel does not answer its health check any more. */
  hangsAfterKill?: number;
}

interface SimProcess {
  run: RunId;
  model: ModelId;
  pid: number;
  state: 'loading' | 'ready' | 'dead';
  ignoresTerm: boolean;
  stopHangs: boolean;
  /** It lives but answers nobody. */
  hung: boolean;
  onReady: (() => void) | null;
  cancel: (() => void)[];
}

export interface SimRuntime extends ProcessRuntime {
  /** Models whose process exists in the world now. */
  alive(): Map<RunId, SimProcess>;
  probe(run: RunId, ready: (baseUrl: string) => void): () => void;
  /** The kernel died: nobody listens any more; what it was just spawning is there, or is not. */
  kernelDied(): void;
  onSpawn: (spec: { run: RunId; model: ModelId }) => void;
  onDeath: (run: RunId) => void;
}

export function createSimRuntime(scheduler: Scheduler, random: Random, faults: ProcessFaults): SimRuntime {
  const processes = new Map<RunId, SimProcess>();
  const launched = new Set<RunId>();
  const pending = new Map<RunId, { spec: LaunchSpec; cancel: () => void }>();
  const recorded = new Set<RunId>();
  let generation = 0;
  let listeners: ((observation: Observation) => void)[] = [];
  let pids = 100;

  const tell = (observation: Observation) => {
    for (const listener of listeners) listener(observation);
  };

  function die(process: SimProcess, code: number | null, signal: string | null, by: 'itself' | 'turnout'): void {
    if (process.state === 'dead') return;
    process.state = 'dead';
    for (const cancel of process.cancel) cancel();
    processes.delete(process.run);
    runtime.onDeath(process.run);
    const mine = generation;
    scheduler.after(random.int(0, 5), () => {
      if (mine !== generation) return;
      recorded.delete(process.run);
      tell({ type: 'exited', run: process.run, code, signal, by, detail: null, tail: ['last line'] });
    });
  }

  function spawn(spec: LaunchSpec): void {
    if (random.chance(faults.spawnFails)) {
      const detail = 'failed to start command "simulated"';
      tell({ type: 'exited', run: spec.run, code: null, signal: null, by: 'spawn', detail, tail: [] });
      return;
    }
    const { run, model } = spec;
    runtime.onSpawn({ run, model });
    const process: SimProcess = {
      run,
      model,
      pid: pids++,
      state: 'loading',
      ignoresTerm: random.chance(faults.ignoreTerm),
      stopHangs: random.chance(faults.stopHangs),
      hung: false,
      onReady: null,
      cancel: [],
    };
    processes.set(run, process);
    tell({ type: 'started', run, baseUrl: `sim://${run}`, pid: process.pid, startTime: `${run}`, bootId: 'sim' });
    const loadMs = faults.loadMsOf?.[model] ?? random.int(1, faults.loadMsMax);
    if (random.chance(faults.crashLoading)) {
      process.cancel.push(scheduler.after(random.int(0, loadMs), () => die(process, 1, null, 'itself')));
    } else if (!random.chance(faults.neverReady)) {
      process.cancel.push(
        scheduler.after(loadMs, () => {
          process.state = 'ready';
          process.onReady?.();
          if (random.chance(faults.crashServing)) {
            const later = scheduler.after(random.int(0, 60_000), () => die(process, null, 'SIGSEGV', 'itself'));
            process.cancel.push(later);
          }
        }),
      );
    }
  }

  const runtime: SimRuntime = {
    name: 'simulated',
    onSpawn: () => {},
    onDeath: () => {},
    capacity: () => ({}),
    alive: () => processes,
    async launch(spec) {
      if (launched.has(spec.run)) return;
      launched.add(spec.run);
      const cancel = scheduler.after(random.int(0, 3), () => {
        pending.delete(spec.run);
        spawn(spec);
      });
      pending.set(spec.run, { spec, cancel });
    },
    async stop(run) {
      const process = processes.get(run);
      if (process === undefined) {
        const unborn = pending.get(run);
        unborn?.cancel();
        pending.delete(run);
        // Never born, or a run of a dead kernel whose process is gone.
        if (unborn !== undefined || recorded.has(run)) {
          recorded.delete(run);
          tell({ type: 'exited', run, code: null, signal: null, by: 'unknown', detail: null, tail: [] });
        }
        return;
      }
      if (process.ignoresTerm || process.stopHangs) return;
      process.cancel.push(scheduler.after(random.int(0, 400), () => die(process, 0, null, 'turnout')));
    },
    async kill(run) {
      const process = processes.get(run);
      if (process === undefined) return runtime.stop(run);
      const takesMs = process.stopHangs ? random.int(1_000, 12_000) : random.int(0, 20);
      scheduler.after(takesMs, () => die(process, null, 'SIGKILL', 'turnout'));
    },
    async reconcile(runs: RecordedRun[]) {
      for (const { run } of runs) recorded.add(run);
      return runs.flatMap(({ run }) => {
        const process = processes.get(run);
        if (process === undefined) return [];
        return [{ run, pid: process.pid, startTime: `${run}`, bootId: 'sim', fault: null }];
      });
    },
    observe(listener) {
      listeners.push(listener);
      return () => {
        listeners = listeners.filter((one) => one !== listener);
      };
    },
    async close() {},
    probe(run, ready) {
      const process = processes.get(run);
      if (process === undefined) return () => {};
      let wanted = true;
      const answer = () => {
        if (wanted) ready(`sim://${run}`);
      };
      if (process.hung) return () => {};
      if (process.state === 'ready') scheduler.after(0, answer);
      else process.onReady = answer;
      return () => {
        wanted = false;
      };
    },
    kernelDied() {
      generation++;
      listeners = [];
      for (const process of processes.values()) {
        process.onReady = null;
        process.hung ||= random.chance(faults.hangsAfterKill ?? 0);
      }
      for (const { spec, cancel } of pending.values()) {
        cancel();
        if (random.chance(0.5)) spawn(spec);
      }
      pending.clear();
    },
  };
  return runtime;
}
