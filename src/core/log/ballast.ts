/**
 * A file that takes up room until the disk is full; then it is removed, so that the log can still write down why it
 * stops (kernel section 7). Must never be in the way of the log: it is made only where there is plenty of room.
 */
import { randomFillSync } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sizeOf } from './log-files.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Free space, in ballasts, without which none is made. */
const ROOM = 4;

/** Makes the file unless it is there, or `bytes` is 0. Returns a line for the operator when it could not be made. */
export async function keepBallast(path: string, bytes: number): Promise<string | null> {
  try {
    if (bytes === 0 || sizeOf(path) === bytes) return null;
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < bytes * ROOM) return null;
    await writeBallast(path, bytes);
    return null;
  } catch (error) {
    return `make the ballast file "${path}": ${(error as Error).message}`;
  }
}

/** Removes the file. Returns whether that freed anything. */
export function freeBallast(path: string): boolean {
  const freed = sizeOf(path) > 0;
  rmSync(path, { force: true });
  return freed;
}

async function writeBallast(path: string, bytes: number): Promise<void> {
  // Random bytes: a file system that compresses would make nothing of zeros.
  const chunk = randomFillSync(Buffer.alloc(Math.min(bytes, CHUNK_BYTES)));
  const file = await open(path, 'w', 0o600);
  try {
    for (let at = 0; at < bytes; at += chunk.length) await file.write(chunk, 0, Math.min(chunk.length, bytes - at), at);
    await file.datasync();
  } catch (error) {
    await rm(path, { force: true }); // half of it takes up room and is not known for a ballast
    throw error;
  } finally {
    await file.close();
  }
}
