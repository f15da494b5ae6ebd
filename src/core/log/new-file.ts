/** How a file that was written under another name gets its own, which must be free. Must never overwrite anything. */
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { TurnoutError } from '../errors.ts';
import { stateDirError } from './log-files.ts';

/** `what`: the backup, the export. Throws TurnoutError('conflict'). */
export function refuseExisting(file: string, what: string): void {
  if (!existsSync(file)) return;
  throw new TurnoutError('conflict', `write the ${what} "${file}": expected a name that is free, got one that is not`);
}

/**
 * A hard link fails when the name was taken meanwhile; a rename would overwrite. Not every file system has links. Removes
 * `from` and throws TurnoutError: 'conflict', 'state-dir'.
 */
export function giveName(from: string, to: string, what: string): void {
  try {
    linkSync(from, to);
    rmSync(from);
  } catch (cause) {
    if (existsSync(to)) {
      rmSync(from, { force: true });
      refuseExisting(to, what);
    }
    try {
      renameSync(from, to);
    } catch {
      rmSync(from, { force: true });
      throw stateDirError(`name the ${what} "${to}"`, cause);
    }
  }
}
