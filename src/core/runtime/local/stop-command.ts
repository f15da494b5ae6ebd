/**
 * Runs a `cmdStop` (spec 5.6): same parsing and environment as `cmd`, a process group of its own, output discarded.
 * It is bounded by whoever asked for it, never by itself. A failure is told, never thrown.
 */
import { parseCommand, replacePid } from './command.ts';
import { spawnProgram } from './spawn.ts';

/** A `cmdStop` that runs. */
export interface StopCommand {
  /** Monotonic time of its start. */
  readonly since: number;
  /** KILL to its group. */
  kill(): void;
}

/**
 * Put in place of `${PID}` when the process is gone: no system gives out such a pid, so that `kill ${PID}` cannot hit
 * a stranger, while the rest of the command (`docker stop`) is carried out.
 */
export const NO_SUCH_PID = 2_147_483_647;

export interface StopCommandSpec {
  text: string;
  pid: number;
  env: NodeJS.ProcessEnv;
  path: string;
  /** Called once when it has ended; `failure` says how it failed, null when it did not. */
  onEnd(failure: string | null): void;
}

/**
 * Starts it, or calls `onEnd` with the failure and returns null.
 * @throws TurnoutError when there is no word in it; the caller then falls back to a signal
 */
export async function startStopCommand(spec: StopCommandSpec): Promise<StopCommand | null> {
  const words = parseCommand(replacePid(spec.text, spec.pid));
  const spawned = spawnProgram({ words, env: spec.env, output: 'ignore', path: spec.path });
  if (!spawned.ok) {
    spec.onEnd(`cmdStop failed: ${await spawned.why}`);
    return null;
  }
  const { child, pid } = spawned;
  let ended = false;
  let killed = false;
  // whoever waits for its end has a timer or a child that keeps turnout alive
  child.unref();
  child.once('exit', (code, signal) => {
    ended = true;
    spec.onEnd(killed ? null : failureOf(code, signal));
  });
  return {
    since: performance.now(),
    // as long as its exit was not seen, its pid cannot have become somebody else's
    kill: () => {
      if (ended) return;
      killed = true;
      killGroup(pid);
    },
  };
}

function failureOf(code: number | null, signal: string | null): string | null {
  if (code === 0) return null;
  return `cmdStop failed: ${signal === null ? `exit code ${code}` : `signal ${signal}`}`;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
