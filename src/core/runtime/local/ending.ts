/**
 * The last part of a run: watches until nothing of it is left, and only then says `exited` (kernel section 5).
 * The order is fixed: leader gone, family gone, `cmdStop` returned, port refuses.
 * Must never say it twice, nor while the port accepts and a `cmdStop` could still do something about it.
 */
import { closeSync } from 'node:fs';
import { LIMITS } from '../../limits.ts';
import { findFamily, type Member, signalFamily, signalOne } from './family.ts';
import { readTail } from './output-tail.ts';
import { firstAccepting, loopbackEndpoints } from './port.ts';
import { hasStopCommand, isLeaderGone, nameOf, type Run, type Shell, tellStopping } from './run.ts';
import { note, runStopCommand } from './stop.ts';

/** What one ending remembers from look to look. Times are monotonic. */
interface Progress {
  /** Looks in a row that found no member: one alone can miss a process that forks at that moment. */
  quietLooks: number;
  familyGoneAt: number | null;
  leftoverKillAt: number | null;
  /** Left-over members that got TERM, as `pid:start`. */
  termed: Set<string>;
  /** Ms to the next look at a family that is still there; grows. */
  lookMs: number;
  portDeadline: number | null;
  warned: Set<string>;
}

const SOON_MS = 1;
const OFTEN_MS = 50;
const SELDOM_MS = 250;
const EXIT_EVENT_MS = 1_000;

/** Begins to watch for the end of a run, or hurries on when that is under way. */
export function watchEnding(shell: Shell, run: Run): void {
  if (run.ending === null) run.ending = end(shell, run);
  else run.pause.wake();
}

async function end(shell: Shell, run: Run): Promise<void> {
  const progress: Progress = {
    quietLooks: 0,
    familyGoneAt: null,
    leftoverKillAt: null,
    termed: new Set(),
    lookMs: 5,
    portDeadline: null,
    warned: new Set(),
  };
  for (;;) {
    const waitMs = await lookSafely(shell, run, progress);
    if (shell.closed()) return;
    // a stop may have come in during the last look
    if (waitMs === null && run.stopCommand === null) break;
    await run.pause.wait(waitMs ?? OFTEN_MS);
    if (shell.closed()) return;
  }
  run.phase = 'ended';
  const tail = await closeOutput(shell, run);
  if (shell.closed()) return;
  const { code, signal, by } = run.exit ?? { code: null, signal: null, by: 'unknown' as const };
  const detail = run.notes.length === 0 ? null : run.notes.join('; ');
  shell.emit({ type: 'exited', run: run.run, code, signal, by, detail, tail });
}

/** A look that fails (too many open files, say) proves nothing: it is told once, and taken again. */
async function lookSafely(shell: Shell, run: Run, progress: Progress): Promise<number | null> {
  try {
    return await look(shell, run, progress);
  } catch (error) {
    warnOnce(shell, progress, `cannot see what is left of ${nameOf(run)}: ${(error as Error).message}`);
    return SELDOM_MS;
  }
}

/** One look at the run: ms until the next one, or null when nothing of it is left. */
async function look(shell: Shell, run: Run, progress: Progress): Promise<number | null> {
  if (!isLeaderGone(run) && run.killAskedAt === null) return run.own ? EXIT_EVENT_MS : OFTEN_MS;
  const members = await findFamily(run.mark);
  if (shell.closed()) return SOON_MS;
  if (members.length > 0) return endFamily(shell, run, members, progress);
  if (!isLeaderGone(run)) return killUnseen(run);
  progress.quietLooks += 1;
  if (progress.quietLooks < 2) return SOON_MS;
  progress.familyGoneAt ??= performance.now();
  return afterFamily(shell, run, progress, progress.familyGoneAt);
}

/** KILL once it was asked for or the grace of the left-over is over; TERM before that. */
function endFamily(shell: Shell, run: Run, members: readonly Member[], progress: Progress): number {
  progress.quietLooks = 0;
  progress.lookMs = Math.min(progress.lookMs * 2, SELDOM_MS);
  const now = performance.now();
  if (!run.stopAsked && run.killAskedAt === null && progress.leftoverKillAt === null) {
    progress.leftoverKillAt = now + LIMITS.leftoverGraceMs;
    note(run, `left ${members.length === 1 ? 'a process' : `${members.length} processes`} behind, stopped too`);
  }
  const killAt = run.killAskedAt ?? progress.leftoverKillAt ?? Number.POSITIVE_INFINITY;
  if (now >= killAt) {
    signalFamily(run.mark, members, 'SIGKILL');
    run.killed = true;
    if (now > killAt + LIMITS.killConfirmMs) warnOnce(shell, progress, undead(run, members));
  } else {
    termLeftover(run, members, progress);
  }
  return progress.lookMs;
}

/** Its exit is about to be reported, or it cannot be seen in /proc: as a child of ours it can be ended all the same. */
function killUnseen(run: Run): number {
  if (run.child?.kill('SIGKILL')) run.killed = true;
  return OFTEN_MS;
}

/** Those in the group got their TERM with it. */
function termLeftover(run: Run, members: readonly Member[], progress: Progress): void {
  for (const member of members) {
    const key = `${member.pid}:${member.start}`;
    if (progress.termed.has(key) || (run.groupTermed && member.group === run.mark.leader?.pid)) continue;
    progress.termed.add(key);
    signalOne(member, 'SIGTERM');
  }
}

/** No process is left; a `cmdStop` may still run, and a container still hold the port. */
async function afterFamily(shell: Shell, run: Run, progress: Progress, goneAt: number): Promise<number | null> {
  const accepting = await firstAccepting(loopbackEndpoints(run.proxy));
  if (run.stopCommand !== null) return awaitStopCommand(run, goneAt, accepting !== null);
  if (accepting === null) return null;
  const where = `port ${accepting.port} still accepts connections`;
  if (hasStopCommand(run)) {
    if (!run.stoppedAgain) {
      run.stoppedAgain = true;
      tellStopping(shell, run);
      note(run, `${where} after the process had ended: cmdStop was run for it`);
      if (await runStopCommand(shell, run)) return OFTEN_MS;
    }
    warnOnce(shell, progress, `${nameOf(run)} has ended but ${where} and cmdStop does not help: waiting for it`);
    return SELDOM_MS;
  }
  progress.portDeadline ??= performance.now() + LIMITS.killConfirmMs;
  if (performance.now() < progress.portDeadline) return OFTEN_MS;
  note(run, `${where}, though nothing of the run is left`);
  return null;
}

/** A `cmdStop` that hangs is ended some time after KILL was asked for; later while the port says that it has work to do. */
function awaitStopCommand(run: Run, goneAt: number, accepting: boolean): number {
  const command = run.stopCommand;
  if (command === null || command === 'starting') return SELDOM_MS;
  // nobody will ask for KILL when nobody asked for the stop
  const askedAt = run.killAskedAt ?? (run.stopAsked ? Number.POSITIVE_INFINITY : command.since);
  const graceMs = accepting ? LIMITS.stopAgainMs : LIMITS.killConfirmMs;
  if (performance.now() > Math.max(askedAt, goneAt, command.since) + graceMs) {
    note(run, 'cmdStop did not return and was killed');
    command.kill();
  }
  return SELDOM_MS;
}

/** The last lines; then the file is nobody's business any more. */
async function closeOutput(shell: Shell, run: Run): Promise<string[]> {
  const { output } = run;
  if (output === null) return [];
  run.output = null;
  try {
    try {
      await shell.tailer.finish(output);
      return readTail(output.fd);
    } finally {
      closeSync(output.fd);
    }
  } catch (error) {
    shell.warn(`cannot read the output of ${nameOf(run)}: ${(error as Error).message}`);
    return [];
  }
}

function undead(run: Run, members: readonly Member[]): string {
  const who = members.map(({ pid, name, state }) => `${pid} ("${name}", state ${state})`).join(', ');
  return `cannot end ${nameOf(run)}: KILL was sent but these processes are still there: ${who}`;
}

function warnOnce(shell: Shell, progress: Progress, text: string): void {
  const kind = text.replace(/\d+/g, '');
  if (progress.warned.has(kind)) return;
  progress.warned.add(kind);
  shell.warn(text);
}
