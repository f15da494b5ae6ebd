/**
 * The past of a turnout for commands that look back: its log, also while it runs, or a file that somebody sent: an export
 * or a backup. Must never write to any of them.
 */
import { open } from 'node:fs/promises';
import { TurnoutError } from '../../core/errors.ts';
import { foreign } from '../../core/history/export-format.ts';
import { looksLikeExport, type ReadOptions } from '../../core/history/export-read.ts';
import { openExport } from '../../core/history/import.ts';
import { baseOf } from '../../core/history/pages.ts';
import type { Position } from '../../core/ids.ts';
import { openLogFile, openLogForReading, type ReadOnlyLog } from '../../core/log/read-only.ts';
import { findTurnout, needStateDir } from '../client.ts';
import type { GlobalOptions } from '../output.ts';
import { interruptible, percent } from './log-common.ts';

export interface PastOptions extends GlobalOptions {
  /** An export or a backup, in place of the log of a state directory. */
  file?: string;
}

export interface PastLog extends ReadOnlyLog {
  /** Where it begins: states before this position are not known. */
  readonly base: Position;
  /** For people: a directory or a file. */
  readonly where: string;
}

/**
 * `reading`: for who has a signal and a line of progress of its own. Throws TurnoutError: 'not-found', 'log-damaged',
 * 'state-dir', 'usage'.
 */
export async function openPastLog(options: PastOptions, reading?: ReadOptions): Promise<PastLog> {
  if (options.file !== undefined) return withBase(await openFile(options.file, reading), options.file);
  const dir = options.stateDir ?? (await dirOf(options));
  return withBase(await openLogForReading(dir), dir);
}

async function dirOf(options: GlobalOptions): Promise<string> {
  const found = await findTurnout(options);
  if (found.url !== null && found.stateDir === null) {
    const instead = 'name its directory with --state-dir, or bring an export of it with --file';
    throw new TurnoutError(
      'usage',
      `read the log of the turnout at ${found.url}: this command reads files; ${instead}`,
    );
  }
  return needStateDir(found);
}

async function withBase(log: ReadOnlyLog, where: string): Promise<PastLog> {
  const base = await baseOf(log);
  return {
    head: log.head,
    base,
    where,
    read: (query) => log.read(query),
    findRequest: (id) => log.findRequest(id),
    getBlob: (hash) => log.getBlob(hash),
    positionAt: (time) => log.positionAt(time),
    async stateAt(position) {
      if (position >= base && position <= log.head) return log.stateAt(position);
      const has = `it holds positions ${base} to ${log.head}`;
      throw new TurnoutError('not-found', `fold the log in ${where} up to position ${position}: ${has}`);
    },
    close: () => log.close(),
  };
}

async function openFile(file: string, reading?: ReadOptions): Promise<ReadOnlyLog> {
  if (await looksLikeExport(file)) return reading === undefined ? openAlone(file) : openExport(file, reading);
  if (await isDatabase(file)) return openLogFile(file);
  throw foreign(file);
}

/** A long one takes a while, and Ctrl-C must leave nothing of it. */
async function openAlone(file: string): Promise<ReadOnlyLog> {
  const log = await interruptible((signal, progress) =>
    openExport(file, { signal, onProgress: (share) => progress.show(`reading the export: ${percent(share)}`) }),
  );
  return log ?? process.exit();
}

const SQLITE = 'SQLite format 3\0';

async function isDatabase(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SQLITE.length), 0, SQLITE.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === SQLITE;
  } finally {
    await handle.close();
  }
}
