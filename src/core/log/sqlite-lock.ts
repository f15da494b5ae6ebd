/**
 * One instance owns a log: an open exclusive transaction on `lock.db`, which the system drops with the process, so that
 * a killed owner never leaves a lock behind (kernel section 2). Nothing else may ever open `lock.db`: any close of it in
 * this process would drop the lock.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import { stateDirError } from './log-files.ts';

export interface InstanceLock {
  release(): void;
}

/**
 * Takes the lock or throws: TurnoutError('log-locked') naming the owner's pid, TurnoutError('state-dir') when the
 * directory cannot be written.
 */
export function takeLock(dir: string): InstanceLock {
  const owner = join(dir, 'lock.json');
  const db = openLock(dir, owner);
  try {
    writeFileSync(owner, `${JSON.stringify({ pid: process.pid, since: new Date().toISOString() })}\n`);
  } catch (cause) {
    db.close();
    throw stateDirError(`write "${owner}"`, cause);
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      rmSync(owner, { force: true });
      db.close();
    },
  };
}

function openLock(dir: string, owner: string): Database.Database {
  const path = join(dir, 'lock.db');
  let db: Database.Database | null = null;
  try {
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (cause) {
    db?.close();
    const code = cause instanceof Database.SqliteError ? cause.code : '';
    if (code.startsWith('SQLITE_BUSY')) {
      const instead = 'stop that one, or name another directory with --state-dir';
      const message = `open the event log in "${dir}": expected no other turnout to use it, got one with ${pidIn(owner)}; ${instead}`;
      throw new TurnoutError('log-locked', message, { cause });
    }
    throw stateDirError(`lock "${path}"`, cause);
  }
}

function pidIn(owner: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(owner, 'utf8')) as { pid?: unknown };
    if (Number.isSafeInteger(pid)) return `process id ${pid}`;
  } catch {
    // The owner has the lock but has not written the file yet, or someone removed it: its id is then not known.
  }
  return 'an unknown process id';
}
