/**
 * Models as processes of this machine: the first implementation of the ProcessRuntime seam. Each run is a child in a
 * session of its own that writes to a file, so that it can outlive turnout and be found again.
 * Must never say that a run has exited while anything of it is left.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RunId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { LaunchSpec, Observation, ProcessRuntime, RecordedRun, Survivor } from '../process-runtime.ts';
import { watchEnding } from './ending.ts';
import { familyOf, type Member } from './family.ts';
import { launchRun } from './launch.ts';
import { createOomWatch } from './oom.ts';
import { hasProc, RUN_VARIABLE, readBootId, scanProcesses } from './proc.ts';
import { pollAdopted, takeOver } from './reconcile.ts';
import { isLeaderGone, nameOf, newRun, type Run, releaseOutput, type Shell, tellStopping } from './run.ts';
import { mergeEnv } from './spawn.ts';
import { askToEnd, note } from './stop.ts';
import { endStrays, findStrays, type Stray } from './strays.ts';
import { findSurvivors } from './survivors.ts';
import { createTailer } from './tailer.ts';

export interface LocalRuntimeOptions {
  /** Directory in which `logs/` lies; made if it does not exist. */
  stateDir: string;
  /** What models inherit. Default: turnout's own environment. */
  env?: NodeJS.ProcessEnv;
  /** Gets one line for what the operator should know. Default: a warning of the process. */
  onWarning?: (text: string) => void;
}

export interface LocalRuntime extends ProcessRuntime {
  /** Processes that are ours by mark or output but belong to no run that this runtime knows. */
  findStrays(): Promise<Stray[]>;
  /** The living processes of each run, from one look at the table of processes. */
  families(): Promise<Map<RunId, Member[]>>;
}

export function createLocalRuntime(options: LocalRuntimeOptions): LocalRuntime {
  const warn = options.onWarning ?? ((text: string) => process.emitWarning(text));
  const baseEnv = options.env ?? process.env;
  const stateDir = prepareStateDir(options.stateDir, warn);
  const instance = instanceOf(stateDir);
  const runs = new Map<RunId, Run>();
  const ended = new Set<RunId>();
  const listeners = new Set<(observation: Observation) => void>();
  const oom = createOomWatch();
  let adoptedTimer: NodeJS.Timeout | null = null;
  let closed = false;

  const shell: Shell = {
    stateDir,
    bootId: readBootId(),
    path: baseEnv['PATH'] ?? '',
    oom,
    tailer: createTailer(oom.sample),
    closed: () => closed,
    warn,
    emit: (observation) => {
      if (closed) return;
      if (observation.type === 'exited') {
        runs.delete(observation.run);
        rememberEnded(ended, observation.run);
      }
      for (const listener of listeners) tell(listener, observation, warn);
    },
  };
  const tagOf = (run: RunId): string => `${run}:${instance}`;
  const envOf = (lines: readonly string[]): NodeJS.ProcessEnv => {
    const { [RUN_VARIABLE]: _outer, ...env } = mergeEnv(baseEnv, lines);
    return env;
  };
  const isKnown = (run: RunId): boolean => runs.has(run) || ended.has(run);

  async function launch(spec: LaunchSpec): Promise<void> {
    if (closed || isKnown(spec.run)) return;
    const mark = { leader: null, ownChild: true, tag: tagOf(spec.run), output: null, known: new Map() };
    const { run: id, model, cmdStop, proxy } = spec;
    const run = newRun({ run: id, model, cmdStop, env: envOf(spec.env), proxy, own: true, mark });
    runs.set(id, run);
    shell.emit({ type: 'accepted', run: id });
    run.launching = launchRun(shell, run, spec, isOutputInUse);
  }

  const isOutputInUse = (path: string): boolean => [...runs.values()].some((run) => run.output?.path === path);

  async function stop(id: RunId): Promise<void> {
    const run = runs.get(id);
    if (run === undefined || run.stopAsked || run.phase === 'ended') return;
    run.stopAsked = true;
    tellStopping(shell, run);
    if (run.phase !== 'launching') await order(run);
  }

  async function order(run: Run): Promise<void> {
    if (run.phase === 'parked') run.phase = 'live';
    try {
      await askToEnd(shell, run);
    } catch (error) {
      warn(`cannot stop ${nameOf(run)}: ${(error as Error).message}`);
      note(run, `stop failed: ${(error as Error).message}`);
    }
    if (!run.own || isLeaderGone(run) || run.killAskedAt !== null) watchEnding(shell, run);
  }

  async function kill(id: RunId): Promise<void> {
    const run = runs.get(id);
    if (run === undefined || run.phase === 'ended') return;
    run.killAskedAt ??= performance.now();
    // the port may still be held: each order gives `cmdStop` one more chance
    run.stoppedAgain = false;
    if (run.phase === 'launching' || run.phase === 'parked') return stop(id);
    tellStopping(shell, run);
    watchEnding(shell, run);
  }

  async function reconcile(records: RecordedRun[]): Promise<Survivor[]> {
    if (!hasProc && records.length > 0) warn('cannot find the processes of a former turnout: there is no /proc here');
    const table = hasProc ? await scanProcesses() : [];
    for (const record of records) {
      if (closed || isKnown(record.run)) continue;
      const takeover = { record, tag: tagOf(record.run), env: envOf(record.env) };
      runs.set(record.run, takeOver(shell, takeover, table));
    }
    await endStrays(strays, warn, shell.closed);
    if (!closed && adoptedTimer === null && records.length > 0) {
      adoptedTimer = setInterval(pollRuns, LIMITS.adoptedPollMs).unref();
    }
    const taken = records.flatMap(({ run }) => runs.get(run) ?? []);
    return closed ? [] : findSurvivors(shell, taken);
  }

  function pollRuns(): void {
    pollAdopted(shell, runs.values(), isLeaderGone);
    if ([...runs.values()].some((run) => !run.own) || adoptedTimer === null) return;
    clearInterval(adoptedTimer);
    adoptedTimer = null;
  }

  const strays = (): Promise<Stray[]> => findStrays(stateDir, instance, (run) => runs.has(run as RunId));

  async function close(): Promise<void> {
    closed = true;
    if (adoptedTimer !== null) clearInterval(adoptedTimer);
    const open = [...runs.values()];
    runs.clear();
    for (const run of open) {
      run.child?.unref();
      run.pause.wake();
    }
    await Promise.all(open.flatMap((run) => [run.launching, run.ending]));
    await shell.tailer.close();
    for (const run of open) releaseOutput(run);
    listeners.clear();
  }

  return {
    name: 'local',
    capacity: () => ({}),
    launch,
    stop,
    kill,
    reconcile,
    observe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
    findStrays: strays,
    async families() {
      const table = hasProc ? await scanProcesses() : [];
      // a copy: to look at what a run holds must not make its mark grow for ever
      const of = ({ mark }: Run) => familyOf(table, { ...mark, known: new Map(mark.known) });
      return new Map([...runs].map(([id, run]) => [id, of(run)]));
    },
  };
}

/** Run numbers only grow, so that what is forgotten first cannot be asked for again. */
function rememberEnded(ended: Set<RunId>, run: RunId): void {
  ended.add(run);
  const [oldest] = ended;
  if (ended.size > LIMITS.endedRunsKept && oldest !== undefined) ended.delete(oldest);
}

/** A listener that fails is a defect of the listener: the others are told all the same. */
function tell(listener: (observation: Observation) => void, observation: Observation, warn: (text: string) => void) {
  try {
    listener(observation);
  } catch (error) {
    warn(`a listener failed on "${observation.type}" of run ${observation.run}: ${(error as Error).message}`);
  }
}

/** Real path of the state directory. One that cannot be made is told; models run without it, their output is lost. */
function prepareStateDir(path: string, warn: (text: string) => void): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (error) {
    warn(`cannot use state directory "${path}": ${(error as Error).message}`);
    return resolve(path);
  }
}

/** Run numbers are only unique in one state directory; this tells those of two apart. */
function instanceOf(stateDir: string): string {
  return createHash('sha256').update(stateDir).digest('hex').slice(0, 12);
}
