/**
 * Reads /proc: who lives, since when, in which group, and with which mark of ours. The only file that knows its formats.
 * Must never report a process as gone because it could not be read for want of file descriptors: then it throws.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A process at one moment. `start` is field 22 of its stat line: with the pid and the boot id it is an identity. */
export interface Identity {
  pid: number;
  start: string;
}

export interface Proc extends Identity {
  parent: number;
  group: number;
  /** `Z` and `X` count as gone. */
  state: string;
  name: string;
  /** Value of `TURNOUT_RUN` in its environment, null when it has none or is not ours to read. */
  tag: string | null;
  /** `<dev>:<ino>` of file descriptors 1 and 2. */
  outputs: string[];
}

/** The variable that marks a process as part of a run. */
export const RUN_VARIABLE = 'TURNOUT_RUN';

/** False on systems without /proc (macOS): there a family is its process group and nothing else. */
export const hasProc: boolean = existsSync('/proc/self/stat');

const SLICE_MS = 2;
const KERNEL_THREAD = 0x0020_0000;
/** What reading about a process gives when it has just ended or belongs to somebody else. */
const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR']);

/** Id of this boot of the machine, or `unknown`. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    if (isGone(error)) return 'unknown';
    throw error;
  }
}

/** What stands in /proc about this process now, or null when there is none. */
export function readProcess(pid: number): Omit<Proc, 'tag' | 'outputs'> | null {
  const text = tolerant(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return text === null ? null : parseStat(text);
}

/** True while that very process lives; a zombie does not, and neither does a stranger with the same pid. */
export function isAlive({ pid, start }: Identity): boolean {
  const now = readProcess(pid);
  return now !== null && now.start === start && !isZombie(now.state);
}

export function isZombie(state: string): boolean {
  return state === 'Z' || state === 'X' || state === 'x';
}

/**
 * Every process but kernel threads. Gives way to the event loop every few milliseconds.
 * @param since start of a process: the marks of those that started before it are not looked for, which takes most of the
 *   time, for nobody can have inherited them from it
 */
export async function scanProcesses(since: string | null = null): Promise<Proc[]> {
  const found: Proc[] = [];
  const first = since === null ? Number.NaN : Number(since);
  let sliceEnds = performance.now() + SLICE_MS;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const proc = readMarked(pid, first);
    if (proc !== null) found.push(proc);
    if (performance.now() > sliceEnds) {
      await nextTurn();
      sliceEnds = performance.now() + SLICE_MS;
    }
  }
  return found;
}

/**
 * What a process started and what these started, without looking at every other process. Incomplete where the kernel
 * keeps no lists of children.
 */
export function descendantsOf(pid: number, found: Identity[] = []): Identity[] {
  for (const task of tolerant(() => readdirSync(`/proc/${pid}/task`)) ?? []) {
    const children = tolerant(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')) ?? '';
    for (const child of children.split(' ').filter((word) => word !== '')) {
      const proc = readProcess(Number(child));
      if (proc === null || proc.parent !== pid) continue;
      found.push({ pid: proc.pid, start: proc.start });
      descendantsOf(proc.pid, found);
    }
  }
  return found;
}

/** Where a file descriptor of a process leads, or null. A deleted file keeps its former path. */
export function readDescriptor(pid: number, fd: number | string): string | null {
  const target = tolerant(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
  return target === null ? null : target.replace(/ \(deleted\)$/, '');
}

/** All descriptors of a process; empty when it is gone or not ours. */
export function listDescriptors(pid: number): string[] {
  return tolerant(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
}

/** The stat line (proc(5)). The name stands in parentheses and may itself contain any character. */
export function parseStat(text: string): (Omit<Proc, 'tag' | 'outputs'> & { kernelThread: boolean }) | null {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(' ');
  const start = fields[19];
  if (start === undefined) return null;
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    // the main thread can be a zombie while others still run, or still give back memory: that is not gone
    state: fields[0] === 'Z' && Number(fields[17]) > 1 ? 'R' : (fields[0] as string),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    kernelThread: (Number(fields[6]) & KERNEL_THREAD) !== 0,
    start,
  };
}

function readMarked(pid: number, first: number): Proc | null {
  const text = tolerant(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const stat = text === null ? null : parseStat(text);
  if (stat === null || stat.kernelThread) return null;
  const { name, state, parent, group, start } = stat;
  const bearsNone = isZombie(state) || Number(start) < first;
  const marks = bearsNone ? { tag: null, outputs: [] } : { tag: readTag(pid), outputs: readOutputs(pid) };
  return { pid, start, parent, group, state, name, ...marks };
}

function readTag(pid: number): string | null {
  const text = tolerant(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
  if (text === null) return null;
  const needle = `${RUN_VARIABLE}=`;
  const at = text.startsWith(needle) ? 0 : text.indexOf(`\0${needle}`) + 1;
  if (at === 0 && !text.startsWith(needle)) return null;
  const end = text.indexOf('\0', at);
  return text.slice(at + needle.length, end < 0 ? undefined : end);
}

function readOutputs(pid: number): string[] {
  return [1, 2].flatMap((fd) => {
    const key = tolerant(() => fileKey(`/proc/${pid}/fd/${fd}`));
    return key === null ? [] : [key];
  });
}

/** Device and inode of a file: the same for every name and descriptor that it has. */
function fileKey(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

function tolerant<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && GONE.has((error as NodeJS.ErrnoException).code ?? '');
}
