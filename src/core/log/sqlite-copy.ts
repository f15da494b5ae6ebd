/**
 * Copies a log into one file, as it is at one moment, also while it is written; and proves the copy, for a backup that was
 * never read is none. Must never leave half a copy behind.
 */
import { closeSync, existsSync, fdatasyncSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import { readHead } from './head-file.ts';
import { filesAt, type LogFiles, removeDatabase, stateDirError } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { createReaderClient } from './sqlite-reader-client.ts';
import { troubleOf } from './sqlite-trouble.ts';

const PAGES_AT_ONCE = 500;

export interface CopyOptions {
  /** Ends it; it rejects with the reason then. */
  signal: AbortSignal;
  /** What is done now, and how much of it: 0 to 1. */
  onProgress(what: 'copying' | 'checking', share: number): void;
}

/** Resolves with the end of the log. Rejects with TurnoutError('log-damaged', 'not-found', 'state-dir'). */
export async function copyLog(from: LogFiles, to: string, options: CopyOptions): Promise<Link> {
  try {
    removeDatabase(to);
    const head = readHead(from.head);
    await copyPages(from, to, options);
    options.onProgress('checking', 0);
    const end = await proveLog(filesAt(to), options.signal);
    if (typeof head !== 'string' && head.position > end.position) throw lost(from, head, end);
    return end;
  } catch (error) {
    removeDatabase(to);
    options.signal.throwIfAborted();
    throw error;
  }
}

function lost({ database }: LogFiles, head: Link, end: Link): TurnoutError {
  const message = `the log reached event ${head.position}, what is left ends at ${end.position}`;
  return new TurnoutError('log-damaged', `copy the event log "${database}": expected all of it, got less: ${message}`);
}

/** Reads a whole log. Resolves with its end, or rejects with what is wrong with it. */
export async function proveLog(files: LogFiles, signal: AbortSignal): Promise<Link> {
  signal.throwIfAborted();
  const reader = createReaderClient({ files, verify: true });
  const stop = () => void reader.close();
  signal.addEventListener('abort', stop);
  try {
    return await reader.ask({ kind: 'open' });
  } finally {
    signal.removeEventListener('abort', stop);
    await reader.close();
  }
}

async function copyPages(from: LogFiles, to: string, { signal, onProgress }: CopyOptions): Promise<void> {
  if (!existsSync(from.database)) {
    throw new TurnoutError('not-found', `copy the event log "${from.database}": expected a file, got none`);
  }
  let source: Database.Database | null = null;
  try {
    source = new Database(from.database, { readonly: true, timeout: 1_000 });
    // Within a transaction the source stays as it is; without one each write to it begins the copy anew.
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM sqlite_schema').get();
    // Who asked for what is nobody else's business.
    closeSync(openSync(to, 'wx', 0o600));
    await source.backup(to, {
      progress({ totalPages, remainingPages }) {
        signal.throwIfAborted();
        onProgress('copying', totalPages === 0 ? 0 : 1 - remainingPages / totalPages);
        return PAGES_AT_ONCE;
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw explained(error, from, to);
  } finally {
    source?.close();
  }
  asOneFile(to);
}

/** Without its companions: a log is opened in the mode of the write-ahead file again. */
function asOneFile(path: string): void {
  const db = new Database(path, { fileMustExist: true });
  try {
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
  const fd = openSync(path, 'r');
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function explained(error: unknown, from: LogFiles, to: string): TurnoutError {
  if (error instanceof TurnoutError) return error;
  const { code, message, remedy } = troubleOf(error);
  if (remedy === 'abandon') {
    return new TurnoutError('log-damaged', `copy the event log "${from.database}": ${message}`, { cause: error });
  }
  return stateDirError(`copy the event log "${from.database}" to "${to}": ${code}`, error);
}
