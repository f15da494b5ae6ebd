/**
 * Reads the output of a run for people: its recent history, and what is added from then on.
 * Must never write to the file, and never lose its place when the file is cut under it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as after } from 'node:timers/promises';
import { LIMITS } from '../../limits.ts';
import { MARKER_BYTES, removedBytes } from './output-cut.ts';
import { outputPath } from './output-file.ts';

const CHUNK = 64 * 1024;
const POLL_MS = 100;

export interface FollowOptions {
  /** Ends it; what was asked to stop is not an error. */
  signal: AbortSignal;
  /** Gets the bytes in order. When it returns a promise, nothing more is read until that resolves. */
  onChunk: (chunk: Buffer) => void | Promise<void>;
  /** Bytes of history that come first, at most `textRingBytes` (the default). 0 = none. */
  history?: number;
}

/**
 * The newest bytes of an output file; empty when the run has not written one.
 * @param relative as in `process.starting.logFile`
 */
export async function readOutput(stateDir: string, relative: string, bytes = LIMITS.textRingBytes): Promise<Buffer> {
  const file = await openIfThere(outputPath(stateDir, relative));
  if (file === null) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    return await readRange(file, await historyStart(file, size, bytes), size);
  } finally {
    await file.close();
  }
}

/** History, then every byte that is added, until `signal` aborts. A file that does not exist yet is waited for. */
export async function followOutput(stateDir: string, relative: string, options: FollowOptions): Promise<void> {
  const { signal, onChunk } = options;
  const path = outputPath(stateDir, relative);
  const history = Math.min(options.history ?? LIMITS.textRingBytes, LIMITS.textRingBytes);
  const file = await waitForFile(path, signal);
  if (file === null) return;
  try {
    const place = await startPlace(file, history);
    while (!signal.aborted) {
      const { from, size } = await resume(file, place);
      const chunk = await readRange(file, from, Math.min(size, from + CHUNK));
      // cut while it was read: these may be other bytes, so they are read again at their new place
      if ((await offsetOf(file)) !== place.offset) continue;
      if (chunk.length > 0) {
        place.logical = from - place.offset + chunk.length;
        await onChunk(chunk);
      } else {
        await pause(signal);
      }
    }
  } finally {
    await file.close();
  }
}

/** A place in all that the run ever wrote: `logical` bytes of it were read, `offset` is where byte 0 would stand now. */
interface Place {
  logical: number;
  offset: number;
  /** The file ended before our place at the last look. */
  short: boolean;
}

async function startPlace(file: FileHandle, history: number): Promise<Place> {
  const { size } = await file.stat();
  const from = history === 0 ? size : await historyStart(file, size, history);
  const offset = await offsetOf(file);
  return { logical: from - offset, offset, short: false };
}

/** Where to go on in the file as it is now, which may have been cut since. */
async function resume(file: FileHandle, place: Place): Promise<{ from: number; size: number }> {
  const before = place.offset;
  place.offset = await offsetOf(file);
  const { size } = await file.stat();
  const from = place.logical + place.offset;
  if (place.offset !== before) return { from: Math.min(size, Math.max(MARKER_BYTES, from)), size };
  // too short once: being cut this very moment; twice: somebody else emptied it, and its end is the place to go on
  if (from > size && place.short) place.logical = size - place.offset;
  place.short = from > size && !place.short;
  return { from: Math.max(0, Math.min(size, place.logical + place.offset)), size };
}

async function offsetOf(file: FileHandle): Promise<number> {
  const head = await readRange(file, 0, MARKER_BYTES);
  const removed = removedBytes(head);
  return removed === null ? 0 : MARKER_BYTES - removed;
}

/** Begins with a whole line where there is one nearby. */
async function historyStart(file: FileHandle, size: number, bytes: number): Promise<number> {
  const from = Math.max(0, size - bytes);
  if (from === 0) return 0;
  const newline = (await readRange(file, from, Math.min(size, from + 4096))).indexOf(0x0a);
  return newline < 0 ? from : from + newline + 1;
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, to - from));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function waitForFile(path: string, signal: AbortSignal): Promise<FileHandle | null> {
  while (!signal.aborted) {
    const file = await openIfThere(path);
    if (file !== null) return file;
    await pause(signal);
  }
  return null;
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await after(POLL_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
