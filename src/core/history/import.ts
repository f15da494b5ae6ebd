/**
 * Opens an export anywhere, read-only: its events are put into a log of their own, so that everything that reads logs reads
 * exports, however long they are. Must never believe a file that is not whole, nor leave anything behind.
 */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { encodeEvent } from '../log/codec.ts';
import { openHead } from '../log/head-file.ts';
import { logFiles, rename, stateDirError, syncDir } from '../log/log-files.ts';
import { openMadeLog, type ReadOnlyLog } from '../log/read-only.ts';
import type { Link } from '../log/sqlite-chain.ts';
import { takeLock } from '../log/sqlite-lock.ts';
import { type LogMaker, makeLog } from '../log/sqlite-make.ts';
import type { ExportEnd, ExportHeader } from './export-format.ts';
import { type ReadOptions, readExport } from './export-read.ts';

export interface ImportedLog extends ReadOnlyLog {
  readonly header: ExportHeader;
  readonly end: ExportEnd;
}

/**
 * Rejects with TurnoutError: 'not-found', 'usage' (it is no export), 'log-damaged' (it is not whole, or a newer turnout
 * wrote it), 'state-dir' (there is no room for it in the directory for temporary files).
 */
export async function openExport(file: string, options: ReadOptions = {}): Promise<ImportedLog> {
  const dir = tempDir();
  try {
    const database = join(dir, 'export.db');
    const { header, end, link } = await makeFrom(file, database, options);
    const log = await openMadeLog(database, Math.max(link.position, header.base));
    await log.read({ limit: 1 }); // from now on the reader holds it open, and needs no name for it
    return { ...log, header, end };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Makes a state directory whose log is the export. Rejects as `openExport`, and with 'conflict' when there is a log. */
export async function importInto(file: string, dir: string, options: ReadOptions): Promise<Position> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const home = realpathSync(dir);
  const lock = takeLock(home);
  try {
    const files = logFiles(home);
    if (existsSync(files.database)) {
      throw new TurnoutError(
        'conflict',
        `import into "${dir}": expected a directory without a log, got one with a log`,
      );
    }
    const { link } = await makeFrom(file, files.fresh, options);
    rename(files.fresh, files.database);
    syncDir(home);
    await openHead(files.head, link, () => {}).close();
    return link.position;
  } finally {
    lock.release();
  }
}

async function makeFrom(
  file: string,
  database: string,
  options: ReadOptions,
): Promise<{ header: ExportHeader; end: ExportEnd; link: Link }> {
  const blobs: [hash: string, text: string][] = [];
  let header: ExportHeader | null = null;
  let maker: LogMaker | null = null;
  /** The log can be begun once the state at its base is known. */
  const begin = (base: Position, line: string | null): LogMaker => {
    const made = makeLog(database, base, line);
    for (const [hash, text] of blobs.splice(0)) made.blob(hash, text);
    return made;
  };
  try {
    const end = await readExport(
      file,
      {
        header(found) {
          header = found;
          if (found.base === 0) maker = begin(0, null);
        },
        event(event) {
          const line = encodeEvent(event);
          if (maker === null) maker = begin(event.position, line);
          else maker.add(line);
        },
        blob(hash, text) {
          if (maker === null) blobs.push([hash, text]);
          else maker.blob(hash, text);
        },
      },
      options,
    );
    const made = maker as LogMaker | null;
    const known = header as ExportHeader | null;
    if (made === null || known === null) throw new TurnoutError('internal', `open "${file}": it holds nothing`);
    const link = made.finish();
    return { header: known, end, link };
  } catch (error) {
    (maker as LogMaker | null)?.discard();
    throw error;
  }
}

function tempDir(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'turnout-export-'));
  } catch (cause) {
    throw stateDirError(`make a directory in "${tmpdir()}"`, cause);
  }
}
