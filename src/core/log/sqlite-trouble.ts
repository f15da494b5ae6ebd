/**
 * What an error of SQLite means for the log: a stable code, and what may be done with the connection that met it.
 * Must never call an error harmless that it does not know.
 */
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';

export interface Trouble {
  /** As in `LogStatus.code`. */
  code: string;
  message: string;
  /**
   * `retry`: the connection is as good as before. `reopen`: open the same file anew. `abandon`: never trust this file
   * again; it is moved aside.
   */
  remedy: 'retry' | 'reopen' | 'abandon';
}

/** Errors of the shared memory and of locks say nothing about what is on the disk. */
const PASSING = /^SQLITE_IOERR_(SHM\w+|\w*LOCK\w*|BLOCKED|NOMEM|ACCESS|GETTEMPPATH|VNODE)$/;

export function troubleOf(error: unknown): Trouble {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TurnoutError) return { code: error.code, message, remedy: 'reopen' };
  const code = codeOf(error);
  if (code.startsWith('SQLITE_FULL')) return { code: 'disk-full', message, remedy: 'retry' };
  if (PASSING.test(code)) return { code: 'io-error', message: `${message} (${code})`, remedy: 'reopen' };
  // After a failed fsync the system may have dropped the pages and call the next fsync a success.
  if (code.startsWith('SQLITE_IOERR')) return { code: 'io-error', message: `${message} (${code})`, remedy: 'abandon' };
  if (isDamage(error)) return { code: 'damaged', message: `${message} (${code})`, remedy: 'abandon' };
  if (code.startsWith('SQLITE_READONLY')) return { code: 'read-only', message, remedy: 'reopen' };
  if (code.startsWith('SQLITE_CANTOPEN')) return { code: 'cannot-open', message, remedy: 'reopen' };
  if (code.startsWith('SQLITE_BUSY')) return { code: 'busy', message, remedy: 'retry' };
  return { code: 'error', message: `${message} (${code || 'no code'})`, remedy: 'reopen' };
}

/** Whether the error says that the contents of the file are not a sound database. */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return /^SQLITE_(CORRUPT|NOTADB|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/.test(code);
}

/** Whether the error says that this file can only be read. */
export const isReadOnly = (error: unknown): boolean => codeOf(error).startsWith('SQLITE_READONLY');

function codeOf(error: unknown): string {
  if (error instanceof Database.SqliteError) return error.code;
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
