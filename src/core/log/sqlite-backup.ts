/**
 * A backup of a log, also of one that is written: one file that was proven whole. And the way back. Must never overwrite
 * anything, and never touch a log that a turnout uses.
 */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Position } from '../ids.ts';
import { openHead } from './head-file.ts';
import { filesAt, logFiles, moveAside, rename, stateDirError, syncDir } from './log-files.ts';
import { giveName, refuseExisting } from './new-file.ts';
import { type CopyOptions, copyLog, proveLog } from './sqlite-copy.ts';
import { takeLock } from './sqlite-lock.ts';

/** `position`: of the last event in it. */
export interface Backup {
  file: string;
  position: Position;
  bytes: number;
}

export interface Restored {
  dir: string;
  position: Position;
  /** What the log that was there is called now; null when there was none. */
  movedTo: string | null;
}

/** Copies the log of a state directory into a file that is not there yet. Rejects with TurnoutError('conflict', ...). */
export async function backupLog(dir: string, file: string, options: CopyOptions): Promise<Backup> {
  const to = resolve(file);
  const part = `${to}.part-${process.pid}`;
  refuseExisting(to, 'backup');
  const { position } = await copyLog(logFiles(dir), part, options);
  giveName(part, to, 'backup');
  syncDir(dirname(to));
  return { file: to, position, bytes: statSync(to).size };
}

/**
 * Puts a backup in the place of the log. Rejects with TurnoutError: 'log-locked' (a turnout uses it), 'log-damaged',
 * 'not-found', 'state-dir'.
 */
export async function restoreLog(dir: string, file: string, options: CopyOptions): Promise<Restored> {
  const home = makeDir(dir);
  const lock = takeLock(home);
  try {
    const source = filesAt(resolve(file));
    if (existsSync(source.database)) await proveLog(source, options.signal);
    const files = logFiles(home);
    const end = await copyLog(source, files.fresh, options);
    options.signal.throwIfAborted();
    const movedTo = moveAside(files, 'before-restore');
    rename(files.fresh, files.database);
    syncDir(home);
    await openHead(files.head, end, () => {}).close();
    return { dir: home, position: end.position, movedTo };
  } finally {
    lock.release();
  }
}

function makeDir(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return realpathSync(dir);
  } catch (cause) {
    throw stateDirError(`use the state directory "${dir}"`, cause);
  }
}
