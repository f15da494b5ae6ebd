/**
 * Reads an export file line by line and checks that it is whole: what it holds is only to be believed once this resolved.
 * A file from elsewhere may be anything, so nothing of it is taken to be of a size or shape before it was looked at.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { TurnoutError } from '../errors.ts';
import { type TurnoutEvent, VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import { damaged, type ExportEnd, type ExportHeader, foreign, readHeader, readLine } from './export-format.ts';

export interface ExportTakers {
  /** Comes first. */
  header(header: ExportHeader): void;
  /** The state at the base, then events whose positions rise. */
  event(event: TurnoutEvent): void;
  blob(hash: string, text: string): void;
}

export interface ReadOptions {
  signal?: AbortSignal;
  /** 0 to 1. */
  onProgress?(share: number): void;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
/** A line holds one event or one state. */
const LINE_CHARS_MAX = 128 * 1024 * 1024;

/** Whether a file is compressed as exports are. Throws TurnoutError('not-found'). */
export async function looksLikeExport(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(GZIP.length), 0, GZIP.length, 0);
      return buffer.subarray(0, bytesRead).equals(GZIP);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new TurnoutError('not-found', `open "${file}": ${(cause as Error).message}`, { cause });
  }
}

/**
 * Rejects with TurnoutError: 'not-found', 'usage' (it is something else), 'log-damaged' (it is not whole, or a newer
 * turnout wrote it).
 */
export async function readExport(file: string, takers: ExportTakers, options: ReadOptions = {}): Promise<ExportEnd> {
  if (!(await looksLikeExport(file))) throw foreign(file);
  const sum = createHash('sha256');
  let header: ExportHeader | null = null;
  let end: ExportEnd | null = null;
  const count = { events: 0, blobs: 0 };
  let last: Position = 0;

  function take(text: string): void {
    if (end !== null) throw damaged(file, 'more after its last line');
    if (header === null) {
      header = readHeader(text, file);
      last = Math.max(0, header.base - 1);
      takers.header(header);
    } else {
      const line = readLine(text, file);
      if ('end' in line) {
        end = line.end;
        return;
      }
      if ('event' in line) event(line.event, header);
      else if ('blob' in line) {
        count.blobs++;
        takers.blob(line.blob.hash, line.blob.text);
      }
    }
    sum.update(text).update('\n');
  }

  function event(one: TurnoutEvent, { base, head, turnout }: ExportHeader): void {
    const { type, version, position } = one;
    const known = Object.hasOwn(VERSION, type) ? VERSION[type] : 0;
    if (!(version <= known)) {
      const got = `event "${type}" of version ${version}, written by turnout ${turnout}`;
      throw new TurnoutError('log-damaged', `read the export "${file}": expected what this turnout knows, got ${got}`);
    }
    if (!(position > last && position <= head)) throw damaged(file, `event ${position} after ${last}`);
    if (base > 0 && last < base && (position !== base || type !== 'log.rebased')) {
      throw damaged(file, `event ${position} where the state at ${base} was to be`);
    }
    last = position;
    if (position > base) count.events++;
    takers.event(one);
  }

  await forEachLine(file, take, options);
  return whole(file, end, { ...count, sha256: sum.digest('hex') });
}

function whole(file: string, end: ExportEnd | null, found: Pick<ExportEnd, 'events' | 'blobs' | 'sha256'>): ExportEnd {
  if (end === null) throw damaged(file, 'one that ends early');
  for (const what of ['events', 'blobs', 'sha256'] as const) {
    if (end[what] !== found[what]) throw damaged(file, `${what} ${found[what]} where it says ${end[what]}`);
  }
  return end;
}

async function forEachLine(file: string, take: (text: string) => void, options: ReadOptions): Promise<void> {
  const { signal, onProgress } = options;
  const { size } = await stat(file);
  const source = createReadStream(file);
  const text = source.on('error', (error) => text.destroy(error)).pipe(createGunzip());
  const decoder = new StringDecoder('utf8');
  let held: string[] = [];
  let heldChars = 0;
  try {
    for await (const chunk of text) {
      signal?.throwIfAborted();
      onProgress?.(source.bytesRead / Math.max(1, size));
      const lines = decoder.write(chunk as Buffer).split('\n');
      for (const [index, part] of lines.entries()) {
        held.push(part);
        heldChars += part.length;
        if (heldChars > LINE_CHARS_MAX) throw damaged(file, `a line of more than ${LINE_CHARS_MAX} characters`);
        if (index === lines.length - 1) break;
        take(held.join(''));
        held = [];
        heldChars = 0;
      }
    }
  } catch (error) {
    throw explained(error, file);
  } finally {
    source.destroy();
    text.destroy();
  }
  if (heldChars > 0) throw damaged(file, 'a line that ends early');
}

function explained(error: unknown, file: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return damaged(file, 'one that ends early');
  if (code?.startsWith('Z_') === true) return damaged(file, `bytes that were changed (${(error as Error).message})`);
  return error;
}
