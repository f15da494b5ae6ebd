/**
 * How a run is asked to end: its `cmdStop` if it has one, else TERM to its process group (spec 5.6).
 * Must never signal a process that is not the run's own, and never put a stranger's pid into a `cmdStop`.
 */
import { TurnoutError } from '../../errors.ts';
import { PID_PLACEHOLDER } from './command.ts';
import { findFamily, signalGroup } from './family.ts';
import { descendantsOf } from './proc.ts';
import { hasStopCommand, isLeaderGone, nameOf, type Run, type Shell } from './run.ts';
import { NO_SUCH_PID, startStopCommand } from './stop-command.ts';

/** Carries out the polite part of a stop. What does not follow is left to `kill`. */
export async function askToEnd(shell: Shell, run: Run): Promise<void> {
  learnFamily(shell, run);
  if (hasStopCommand(run) && (await runStopCommand(shell, run))) return;
  termGroup(run);
}

/** Starts the `cmdStop` unless it runs already. False when it cannot be parsed. */
export async function runStopCommand(shell: Shell, run: Run): Promise<boolean> {
  if (run.stopCommand !== null) return true;
  run.stopCommand = 'starting';
  try {
    const onEnd = (failure: string | null): void => {
      run.stopCommand = null;
      if (failure !== null) note(run, failure);
      run.pause.wake();
    };
    const pid = await pidForStopCommand(run);
    const command = await startStopCommand({ text: run.cmdStop, pid, env: run.env, path: shell.path, onEnd });
    run.stopCommand = command;
    return true;
  } catch (error) {
    run.stopCommand = null;
    if (!(error instanceof TurnoutError)) throw error;
    note(run, `cmdStop was not run: ${error.message}`);
    return false;
  }
}

/** Notes something about the end of a run, once. */
export function note(run: Run, text: string): void {
  if (!run.notes.includes(text)) run.notes.push(text);
}

/** While a parent lives its children can be told by it; afterwards one that hid itself well cannot be found. */
function learnFamily(shell: Shell, run: Run): void {
  const { leader, known } = run.mark;
  if (leader === null || isLeaderGone(run)) return;
  try {
    for (const { pid, start } of descendantsOf(leader.pid)) known.set(pid, start);
  } catch (error) {
    shell.warn(`cannot look for the processes of ${nameOf(run)}: ${(error as Error).message}`);
  }
}

function termGroup(run: Run): void {
  const { leader } = run.mark;
  if (leader === null || isLeaderGone(run)) return;
  run.groupTermed = signalGroup(leader, [leader], 'SIGTERM');
}

/** The leader's pid while it, or someone in its group, keeps the number from being given to others. */
async function pidForStopCommand(run: Run): Promise<number> {
  const { leader } = run.mark;
  if (leader === null || !run.cmdStop.includes(PID_PLACEHOLDER)) return NO_SUCH_PID;
  if (!isLeaderGone(run)) return leader.pid;
  const family = await findFamily(run.mark);
  return family.some((member) => member.group === leader.pid) ? leader.pid : NO_SUCH_PID;
}
