/**
 * Makes the file that receives a run's output: one per run, readable by its owner only, opened for appending (only then
 * can it be cut under a writer). Keeps the last few runs of each model.
 * Must never write outside the state directory, nor remove the file of a run that is alive.
 */
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { TurnoutError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';

export interface OutputFile {
  path: string;
  /** Our own descriptor, for reading and cutting; never given to a child. */
  fd: number;
  /** `<dev>:<ino>`. */
  key: string;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;

/**
 * Absolute path of an output file.
 * @throws TurnoutError `bad-request` when it would lie outside `logs/` of the state directory.
 */
export function outputPath(stateDir: string, relative: string): string {
  const logs = resolve(stateDir, 'logs') + sep;
  const path = resolve(stateDir, relative);
  if (path.startsWith(logs)) return path;
  throw new TurnoutError('bad-request', `cannot use output file "${relative}": expected a path below "logs/"`);
}

/**
 * Makes the file of a new run and returns it with a second descriptor for the child, which the caller closes.
 * A file of that name is from another log, with the same run numbers: it is removed, never continued.
 */
export function createOutputFile(path: string): { output: OutputFile; childFd: number } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const childFd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    return { output: openOutputFile(path), childFd };
  } catch (error) {
    closeSync(childFd);
    throw error;
  }
}

/** Opens the file of a run that another turnout started. */
export function openOutputFile(path: string): OutputFile {
  const fd = openSync(path, O_RDWR | O_NOFOLLOW);
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return { path, fd, key: `${dev}:${ino}` };
}

/** Removes the oldest outputs beside `path`, so that with it at most `outputRunsKept` remain. `inUse` says which stay. */
export function pruneOutputs(path: string, inUse: (path: string) => boolean): void {
  const folder = dirname(path);
  const runs = readdirSync(folder)
    .filter((name) => /^\d+\.log$/.test(name) && join(folder, name) !== path)
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  for (const name of runs.slice(LIMITS.outputRunsKept - 1)) {
    const old = join(folder, name);
    if (!inUse(old)) rmSync(old, { force: true });
  }
}
