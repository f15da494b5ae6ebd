/**
 * What the local runtime knows of one run, and the small questions that its parts ask about it.
 * A record, not an owner: only local.ts and ending.ts move a run from phase to phase.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { ModelId, RunId } from '../../ids.ts';
import type { Observation } from '../process-runtime.ts';
import type { FamilyMark } from './family.ts';
import type { OomWatch } from './oom.ts';
import type { OutputFile } from './output-file.ts';
import { createPause, type Pause } from './pause.ts';
import { hasProc, isAlive } from './proc.ts';
import type { StopCommand } from './stop-command.ts';
import type { Tailer } from './tailer.ts';

type ExitedObservation = Extract<Observation, { type: 'exited' }>;
export type Exit = Pick<ExitedObservation, 'code' | 'signal' | 'by'>;

export interface Run {
  readonly run: RunId;
  readonly model: ModelId;
  readonly cmdStop: string;
  /** Environment of `cmdStop`: the model's own, but without the mark of the family. */
  readonly env: NodeJS.ProcessEnv;
  readonly proxy: string | null;
  /** False for a run that another turnout started. */
  readonly own: boolean;
  /** `launching` = no process yet; `parked` = found dead at start-up, waits for the order that runs its `cmdStop`. */
  phase: 'launching' | 'live' | 'parked' | 'ended';
  mark: FamilyMark;
  child: ChildProcess | null;
  output: OutputFile | null;
  /** Set when the leader of an own run has exited. */
  exit: Exit | null;
  stopAsked: boolean;
  /** Monotonic time of the first `kill`. */
  killAskedAt: number | null;
  /** KILL was sent. */
  killed: boolean;
  stoppingTold: boolean;
  /** TERM went to the whole group: its members must not get a second one, which some servers take as "at once". */
  groupTermed: boolean;
  stopCommand: StopCommand | 'starting' | null;
  /** The `cmdStop` was given another chance because the port still accepts. */
  stoppedAgain: boolean;
  /** What is worth telling about its end; becomes `detail`. */
  notes: string[];
  launching: Promise<void> | null;
  ending: Promise<void> | null;
  pause: Pause;
}

/** What the parts of the runtime share. */
export interface Shell {
  readonly stateDir: string;
  /** Id of this boot of the machine. */
  readonly bootId: string;
  /** Path that programs are looked for in. */
  readonly path: string;
  readonly tailer: Tailer;
  readonly oom: OomWatch;
  closed(): boolean;
  emit(observation: Observation): void;
  warn(text: string): void;
}

export function newRun(given: Pick<Run, 'run' | 'model' | 'cmdStop' | 'env' | 'proxy' | 'own' | 'mark'>): Run {
  return {
    ...given,
    phase: 'launching',
    child: null,
    output: null,
    exit: null,
    stopAsked: false,
    killAskedAt: null,
    killed: false,
    stoppingTold: false,
    groupTermed: false,
    stopCommand: null,
    stoppedAgain: false,
    notes: [],
    launching: null,
    ending: null,
    pause: createPause(),
  };
}

/** True when its first process has ended: seen as an exit for an own run, by its identity for another. */
export function isLeaderGone(run: Run): boolean {
  if (run.own) return run.exit !== null;
  return run.mark.leader === null || !hasProc || !isAlive(run.mark.leader);
}

export function nameOf(run: Run): string {
  return `run ${run.run} of "${run.model}"`;
}

export function hasStopCommand(run: Run): boolean {
  return run.cmdStop.trim() !== '';
}

/** Tells once that the run is on its way down. */
export function tellStopping(shell: Shell, run: Run): void {
  if (run.stoppingTold) return;
  run.stoppingTold = true;
  shell.emit({ type: 'stopping', run: run.run });
}

/** Closes our descriptor of its output file, if it is still open. */
export function releaseOutput(run: Run): void {
  if (run.output !== null) closeSync(run.output.fd);
  run.output = null;
}

/** Begins to watch its output file, if it has one: size, floods. */
export function watchOutput(shell: Shell, run: Run): void {
  if (run.output === null) return;
  const onTrouble = (error: unknown): void =>
    shell.warn(`cannot watch the output of ${nameOf(run)}: ${(error as Error).message}`);
  try {
    shell.tailer.add(run.output, {
      onFlood: (bytesPerSec) => shell.emit({ type: 'flooded', run: run.run, bytesPerSec }),
      onTrouble,
    });
  } catch (error) {
    onTrouble(error);
  }
}
