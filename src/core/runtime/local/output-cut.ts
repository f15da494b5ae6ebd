/**
 * Cuts an output file that grew too large: the newest part is copied to its front, below a line that says how much is
 * gone, and the rest is cut off. The child goes on appending all the while.
 * Must never leave a hole in the file, nor hold up the event loop for the size of it.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';

const read = promisify(fs.read);
const write = promisify(fs.write);
const fstat = promisify(fs.fstat);
const ftruncate = promisify(fs.ftruncate);
const CHUNK = 256 * 1024;
/** What may have been added while the bulk was copied without being too much to copy as well. */
const LAST_STEP = 1024 * 1024;
const MARKER = /^log\.truncated: (\d{15}) bytes of older output removed\n/;

/** Length of the line at the front of a file that was cut. */
export const MARKER_BYTES: number = markerLine(0).length;

/** Number of bytes removed so far, read from the beginning of a file; null when it was never cut. */
export function removedBytes(head: Buffer): number | null {
  const match = MARKER.exec(head.toString('latin1', 0, MARKER_BYTES));
  return match === null ? null : Number(match[1]);
}

export interface Cut {
  /** Size just before the end was cut off. */
  before: number;
  after: number;
}

/**
 * Keeps about the newest `keep` bytes. What the child writes in the instant between the last copy and the cut is lost;
 * everything else stays in order. All of it is asynchronous: next to a busy writer each step waits for the file's lock,
 * and cutting off hundreds of MiB takes its time.
 */
export async function cutFile(fd: number, keep: number): Promise<Cut> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  const removed = removedBytes(buffer.subarray(0, (await read(fd, buffer, 0, MARKER_BYTES, 0)).bytesRead));
  let before = (await fstat(fd)).size;
  let from = before - keep;
  from += await toNextLine(fd, from, buffer);
  let copied = await copyDown(fd, buffer, { from, to: MARKER_BYTES, end: before });
  before = (await fstat(fd)).size;
  if (before - copied.from > LAST_STEP) {
    // it writes faster than we copy: only its very last words are kept
    from = before - LAST_STEP;
    copied = { from, to: MARKER_BYTES };
  }
  for (let tries = 0; tries < 3 && copied.from < before; tries += 1) {
    copied = await copyDown(fd, buffer, { ...copied, end: before });
    before = (await fstat(fd)).size;
  }
  await ftruncate(fd, copied.to);
  const gone = removed === null ? from : removed + from - MARKER_BYTES;
  await writeAll(fd, Buffer.from(markerLine(gone)), 0);
  return { before, after: copied.to };
}

interface Place {
  from: number;
  to: number;
}

/** Copies what lies between `from` and `end` to `to`, which is further to the front; returns where it got to. */
async function copyDown(fd: number, buffer: Buffer, { from, to, end }: Place & { end: number }): Promise<Place> {
  while (from < end) {
    const { bytesRead } = await read(fd, buffer, 0, Math.min(CHUNK, end - from), from);
    if (bytesRead === 0) break;
    await writeAll(fd, buffer.subarray(0, bytesRead), to);
    from += bytesRead;
    to += bytesRead;
  }
  return { from, to };
}

async function writeAll(fd: number, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await write(fd, bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

function markerLine(bytes: number): string {
  return `log.truncated: ${String(bytes).padStart(15, '0')} bytes of older output removed\n`;
}

/** Distance from `at` to the beginning of the next line, 0 when there is none nearby. */
async function toNextLine(fd: number, at: number, buffer: Buffer): Promise<number> {
  const { bytesRead } = await read(fd, buffer, 0, CHUNK, at);
  return buffer.subarray(0, bytesRead).indexOf(0x0a) + 1;
}
