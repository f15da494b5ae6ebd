/**
 * From an accepted order to a living process: port check, output file, spawn.
 * Whatever goes wrong is an `exited` by `spawn`; must never leave a run without its end.
 */
import { closeSync } from 'node:fs';
import type { LaunchSpec } from '../process-runtime.ts';
import { parseCommand } from './command.ts';
import { watchEnding } from './ending.ts';
import { createOutputFile, outputPath, pruneOutputs } from './output-file.ts';
import { firstAccepting, loopbackEndpoints, portInUse } from './port.ts';
import { RUN_VARIABLE, readProcess } from './proc.ts';
import { type Exit, nameOf, type Run, releaseOutput, type Shell, watchOutput } from './run.ts';
import { type Spawned, spawnProgram } from './spawn.ts';
import { note } from './stop.ts';

/** Starts the process of an accepted run. `inUse` says which output files belong to live runs. Never rejects. */
export async function launchRun(
  shell: Shell,
  run: Run,
  spec: LaunchSpec,
  inUse: (path: string) => boolean,
): Promise<void> {
  try {
    const words = parseCommand(spec.cmd);
    const taken = await firstAccepting(loopbackEndpoints(spec.proxy));
    if (taken !== null) return failLaunch(shell, run, 'spawn', await portInUse(taken));
    if (shell.closed()) return;
    if (run.stopAsked) return failLaunch(shell, run, 'turnout', 'stopped before its process was started');
    const spawned = spawnWithOutput(shell, run, words, prepareOutput(shell, run, spec, inUse));
    if (spawned.ok) takeChild(shell, run, spec, spawned);
    else failLaunch(shell, run, 'spawn', await spawned.why);
  } catch (error) {
    failLaunch(shell, run, 'spawn', (error as Error).message);
  }
}

/** The child has its own copy of the descriptor, ours is closed in any case. */
function spawnWithOutput(shell: Shell, run: Run, words: string[], fd: number | null): Spawned {
  try {
    const env = { ...run.env, [RUN_VARIABLE]: run.mark.tag };
    return spawnProgram({ words, env, output: fd ?? 'ignore', path: shell.path });
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function takeChild(shell: Shell, run: Run, spec: LaunchSpec, { child, pid }: Spawned & { ok: true }): void {
  run.child = child;
  child.once('exit', (code, signal) => {
    run.exit = { code, signal, by: endedBy(shell, run, code, signal) };
    if (run.exit.by === 'itself' && code !== 0 && shell.oom.rose())
      note(run, 'the OOM killer was active shortly before');
    if (!shell.closed()) watchEnding(shell, run);
  });
  const start = startTimeOf(shell, run, pid);
  run.mark.leader = { pid, start };
  run.phase = 'live';
  watchOutput(shell, run);
  const { bootId } = shell;
  shell.emit({ type: 'started', run: run.run, baseUrl: spec.proxy, pid, startTime: start, bootId });
}

/** A child that has ended already can still be read: nobody has waited for it yet. */
function startTimeOf(shell: Shell, run: Run, pid: number): string {
  try {
    return readProcess(pid)?.start ?? 'unknown';
  } catch (error) {
    shell.warn(`cannot read the start time of ${nameOf(run)}: ${(error as Error).message}`);
    return 'unknown';
  }
}

/** Without a place for its output a model still runs; the output is lost. */
function prepareOutput(shell: Shell, run: Run, spec: LaunchSpec, inUse: (path: string) => boolean): number | null {
  try {
    const path = outputPath(shell.stateDir, spec.logFile);
    const { output, childFd } = createOutputFile(path);
    run.output = output;
    run.mark.output = output.key;
    removeOldOutputs(shell, path, inUse);
    return childFd;
  } catch (error) {
    shell.warn(`cannot keep the output of ${nameOf(run)}: ${(error as Error).message}`);
    return null;
  }
}

function removeOldOutputs(shell: Shell, path: string, inUse: (path: string) => boolean): void {
  try {
    pruneOutputs(path, inUse);
  } catch (error) {
    shell.warn(`cannot remove old outputs beside "${path}": ${(error as Error).message}`);
  }
}

function failLaunch(shell: Shell, run: Run, by: 'spawn' | 'turnout', detail: string): void {
  if (shell.closed() || run.phase === 'ended') return;
  run.phase = 'ended';
  releaseOutput(run);
  shell.emit({ type: 'exited', run: run.run, code: null, signal: null, by, detail, tail: [] });
}

/** Who ended the leader. A shell reports a child that got KILL as exit code 137. */
function endedBy(shell: Shell, run: Run, code: number | null, signal: string | null): Exit['by'] {
  const wasKilled = signal === 'SIGKILL' || code === 137;
  if (wasKilled && !run.killed && shell.oom.rose()) return 'oom-killer';
  if (run.stopAsked || run.killAskedAt !== null) return 'turnout';
  return signal === null ? 'itself' : 'another';
}
