/**
 * Takes over the runs of an earlier turnout: what still lives is watched and can be stopped as if it were ours, what is
 * dead but has a `cmdStop` waits for the order that runs it (kernel section 5).
 * Must never take a process for ours by its pid alone.
 */
import type { RecordedRun } from '../process-runtime.ts';
import { watchEnding } from './ending.ts';
import { familyOf } from './family.ts';
import { openOutputFile, outputPath } from './output-file.ts';
import type { Identity, Proc } from './proc.ts';
import { hasStopCommand, nameOf, newRun, type Run, type Shell, watchOutput } from './run.ts';

export interface Takeover {
  record: RecordedRun;
  /** Value of its `TURNOUT_RUN`. */
  tag: string;
  env: NodeJS.ProcessEnv;
}

/** The record of one run, as far as it can be found in this table of processes. */
export function takeOver(shell: Shell, { record, tag, env }: Takeover, table: readonly Proc[]): Run {
  const { run: id, model, cmdStop, proxy } = record;
  const mark = { leader: recordedLeader(record, shell.bootId), ownChild: false, tag, output: null, known: new Map() };
  const run = newRun({ run: id, model, cmdStop, env, proxy, own: false, mark });
  openOutput(shell, run, record);
  const members = familyOf(table, run.mark);
  // spawned, but turnout died before it could say so: the leader is the member that leads its group
  run.mark.leader ??= members.find((member) => member.pid === member.group) ?? null;
  const leads = members.some((member) => member.pid === run.mark.leader?.pid);
  run.phase = !leads && hasStopCommand(run) ? 'parked' : 'live';
  return run;
}

/** Looks after the runs that were taken over: one whose leader has ended is ended. */
export function pollAdopted(shell: Shell, runs: Iterable<Run>, isGone: (run: Run) => boolean): void {
  for (const run of runs) {
    if (run.own || run.phase !== 'live' || run.ending !== null) continue;
    try {
      if (isGone(run)) watchEnding(shell, run);
    } catch (error) {
      shell.warn(`cannot see whether ${nameOf(run)} lives: ${(error as Error).message}`);
    }
  }
}

/** Even when it is gone: its number still names its group while someone is in it. Of another boot it means nothing. */
function recordedLeader({ pid, startTime, bootId }: RecordedRun, thisBoot: string): Identity | null {
  if (pid === null || startTime === null || bootId !== thisBoot || thisBoot === 'unknown') return null;
  return { pid, start: startTime };
}

/** A file that is gone is no trouble: the run may never have had one. */
function openOutput(shell: Shell, run: Run, record: RecordedRun): void {
  try {
    run.output = openOutputFile(outputPath(shell.stateDir, record.logFile));
    run.mark.output = run.output.key;
    watchOutput(shell, run);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    shell.warn(`cannot open the output of ${nameOf(run)}: ${(error as Error).message}`);
  }
}
