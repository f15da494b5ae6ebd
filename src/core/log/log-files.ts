/**
 * Where the files of a log lie, and how they are moved out of the way. Databases are looked at by `stat` and `rename`
 * only: opening and closing one through `fs` would drop the locks that this process holds on it (POSIX).
 */
import { closeSync, existsSync, fsyncSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TurnoutError } from '../errors.ts';

export interface LogFiles {
  dir: string;
  database: string;
  wal: string;
  shm: string;
  head: string;
  ballast: string;
  /** Databases being made, before they take the name of the log. */
  fresh: string;
  rescued: string;
}

/** The log of a state directory. */
export function logFiles(dir: string): LogFiles {
  return { ...filesAt(join(dir, 'events.db')), head: join(dir, 'head.json'), ballast: join(dir, 'ballast') };
}

/** A log that lies somewhere: a backup, or one that was moved aside, whose head goes by its name. */
export function filesAt(database: string): LogFiles {
  return {
    dir: dirname(database),
    database,
    wal: `${database}-wal`,
    shm: `${database}-shm`,
    head: `${database}.head.json`,
    ballast: `${database}.ballast`,
    fresh: `${database}.fresh`,
    rescued: `${database}.rescued`,
  };
}

/** Which file a name leads to: `device:inode`, or null when there is none. */
export function identity(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** Size in bytes; 0 when there is no such file. */
export const sizeOf = (path: string): number => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * Renames the database with its companions to `events.db.<reason>-<time>`, their contents untouched. Returns the new
 * path, or null when nothing was there. Throws TurnoutError('state-dir') when the directory does not allow it.
 */
export function moveAside(files: LogFiles, reason: string): string | null {
  const target = freeName(`${files.database}.${reason}-${new Date().toISOString().replace(/[-:.]/g, '')}`);
  const moves: [from: string, to: string][] = [
    [files.database, target],
    [files.wal, `${target}-wal`],
    [files.shm, `${target}-shm`],
    [files.head, `${target}.head.json`],
  ];
  let first: string | null = null;
  for (const [from, to] of moves) {
    if (lstatSync(from, { throwIfNoEntry: false }) === undefined) continue;
    rename(from, to);
    first ??= to;
  }
  syncDir(files.dir);
  return first;
}

/** Renames a file. Throws TurnoutError('state-dir') naming the reason. */
export function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    throw stateDirError(`move "${from}" to "${to}"`, cause);
  }
}

/** Removes a database that is not the log, with its companions. */
export function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}

/** Makes renames durable. */
export function syncDir(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The error for a directory that does not take our files; the caller may go on with a memory log. */
export function stateDirError(action: string, cause: unknown): TurnoutError {
  const got = cause instanceof Error ? cause.message : String(cause);
  return new TurnoutError('state-dir', `${action}: expected to be allowed to write there, got "${got}"`, { cause });
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let count = 2; existsSync(name); count += 1) name = `${wanted}-${count}`;
  return name;
}
