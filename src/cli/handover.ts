/**
 * How turnout becomes its successor: `process.execve` replaces the program and keeps the pid. Of the open files only 0, 1
 * and 2 survive that, so the listening socket is put in place of stdin, as inetd does it. Node cannot copy a descriptor;
 * a socket that was sent to a helper and back is such a copy, and gets the lowest number that is free.
 * Must never run two turnouts at once, nor lose the socket while one can still go on with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync } from 'node:fs';
import type { Server } from 'node:net';
import { TurnoutError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { programFile } from '../core/platform/program-file.ts';

const VARIABLE = 'TURNOUT_HANDOVER';
/** Where the successor finds the socket. */
export const HANDED_SOCKET = 0;

/** What the successor is told, beside its command line. */
export interface Handover {
  /** `host:port` that the socket listens on. */
  listen: string;
  stateDir: string;
  /** False when the socket could not be kept: the successor listens anew. */
  socket: boolean;
  /** When connections began to wait, in ms since 1970. */
  since: number;
  /** A signal that came too late for the turnout before. */
  signal: string | null;
}

/** Reads what the turnout before left for this one; once, so that no model inherits it. */
export function takeHandover(env: NodeJS.ProcessEnv = process.env): Handover | null {
  const text = env[VARIABLE];
  delete env[VARIABLE];
  if (text === undefined) return null;
  try {
    const { listen, stateDir, socket, since, signal } = JSON.parse(text) as Partial<Handover>;
    if (typeof listen !== 'string' || typeof stateDir !== 'string') return null;
    return { listen, stateDir, socket: socket === true, since: since ?? Date.now(), signal: signal ?? null };
  } catch {
    return null; // not ours
  }
}

/** Why this turnout cannot become its successor, or null. */
export function whyNoSuccessor(): string | null {
  if (typeof process.execve !== 'function')
    return `Node ${process.version} on ${process.platform} cannot replace itself`;
  for (const file of [process.execPath, process.argv[1] ?? '']) {
    if (!existsSync(file)) return `the program "${file}" is not there any more`;
  }
  return null;
}

export interface Holder {
  /** Puts the socket at `HANDED_SOCKET`, when nothing else of this program opens files any more. False: it did not work. */
  place(): Promise<boolean>;
  /** Ends the helper; resolves when it is gone, so that its end is not left to a successor that does not know it. */
  end(): Promise<void>;
}

/** Gives the socket of a server that listens to a helper. From then on the server may be closed without losing it. */
export async function holdSocket(server: Server): Promise<Holder> {
  const helper = fork(programFile('cli/socket-holder'), { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const gone = once(helper, 'exit');
  const end = async (): Promise<void> => {
    if (helper.connected) helper.disconnect();
    if (helper.exitCode === null && helper.signalCode === null) await gone;
  };
  try {
    await answer(helper, 'ready');
    // the handle and not the server: a server would begin to accept over there
    const handle: unknown = Reflect.get(server, '_handle');
    helper.send('hold', handle as Server);
    await answer(helper, 'held');
  } catch (cause) {
    helper.kill('SIGKILL');
    await end();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TurnoutError('internal', `hold the listening socket: ${reason}`, { cause });
  }
  return {
    end,
    async place() {
      for (let tries = 0; tries < 3; tries++) {
        closeDescriptor(HANDED_SOCKET);
        helper.send('give');
        const copy = await answer(helper, 'given');
        if (copy !== null && typeof copy === 'object' && Reflect.get(copy, 'fd') === HANDED_SOCKET) return true;
      }
      return false;
    },
  };
}

/** Replaces this program by the one that its command line names now, which may be a newer version. Never returns. */
export function becomeSuccessor(handover: Handover): never {
  // that process.execve is experimental is no news for whoever reads our output
  process.removeAllListeners('warning');
  const env = { ...process.env, [VARIABLE]: JSON.stringify(handover) };
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
  throw new TurnoutError('internal', `become the successor: ${process.execPath} was not started`);
}

/** The handle that comes with the helper's next message, which must be this one. */
async function answer(helper: ChildProcess, expected: string): Promise<unknown> {
  const signal = AbortSignal.timeout(LIMITS.restartHolderMs);
  const [message, handle] = (await Promise.race([
    once(helper, 'message', { signal }),
    once(helper, 'exit', { signal }).then(() => ['the helper ended']),
  ])) as [unknown, unknown];
  if (message !== expected) throw new TypeError(`expected "${expected}", got "${String(message)}"`);
  return handle ?? null;
}

function closeDescriptor(fd: number): void {
  try {
    closeSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error;
  }
}
