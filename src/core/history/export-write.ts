/**
 * Writes an export to its file: compressed, under another name until it is whole, readable by its owner only. Must never
 * overwrite anything, and never leave half a file.
 */
import { createWriteStream, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { TurnoutError } from '../errors.ts';
import { stateDirError, syncDir } from '../log/log-files.ts';
import { giveName, refuseExisting } from '../log/new-file.ts';
import type { ExportEnd } from './export-format.ts';

export interface WrittenExport {
  file: string;
  bytes: number;
  end: ExportEnd;
}

/** `lines`: as `exportLines` gives them. Rejects with TurnoutError: 'conflict', 'state-dir'; or with why it was stopped. */
export async function writeExport(
  file: string,
  lines: AsyncGenerator<string, ExportEnd>,
  signal: AbortSignal,
): Promise<WrittenExport> {
  const to = resolve(file);
  const part = `${to}.part-${process.pid}`;
  refuseExisting(to, 'export');
  let end: ExportEnd | null = null;
  async function* pieces(): AsyncGenerator<string> {
    end = yield* lines;
  }
  try {
    const sink = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true });
    await pipeline(Readable.from(pieces(), { objectMode: true }), createGzip(), sink, { signal });
    giveName(part, to, 'export');
  } catch (error) {
    rmSync(part, { force: true });
    signal.throwIfAborted();
    if (error instanceof TurnoutError || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw stateDirError(`write "${to}"`, error);
  }
  syncDir(dirname(to));
  if (end === null) throw new TurnoutError('internal', `write "${to}": it has no end`);
  return { file: to, bytes: statSync(to).size, end };
}
