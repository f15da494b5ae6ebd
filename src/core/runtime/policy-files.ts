/**
 * Policy files on disk: read with a bound, and looked at twice a second for changes, by their dates (inotify is not to be
 * relied on in bind mounts and with symlinks that are swapped). Must never run what it reads.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { LIMITS } from '../limits.ts';

/** What tells one state of a file from another; `GONE` where there is none. */
export type Print = string;
export const GONE: Print = 'gone';

/** `print` is older than `source`, so that a change while it was read is not overlooked. */
export type ReadPolicy = { print: Print; source: string } | { print: Print; problem: string };

/** The text of a policy, or a sentence that names the file and what is wrong with it. Never rejects. */
export async function readPolicy(file: string): Promise<ReadPolicy> {
  let handle: FileHandle;
  const before = await printOf(file);
  try {
    // without waiting: a pipe that nobody writes to would never open
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { print: before, problem: `cannot read policy "${file}": ${(error as Error).message}` };
  }
  try {
    const found = await handle.stat();
    const print = printFrom(found);
    const bytes = LIMITS.policySourceBytesMax;
    if (!found.isFile()) return { print, problem: `policy "${file}" is not a file; name a file in turnout.policy` };
    const tooLong = `policy "${file}" has more than ${bytes} bytes; make it shorter`;
    if (found.size > bytes) return { print, problem: tooLong };
    const buffer = Buffer.alloc(bytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= bytes; length += read) {
      read = (await handle.read(buffer, length, buffer.length - length)).bytesRead;
    }
    if (length > bytes) return { print, problem: tooLong };
    return { print, source: buffer.toString('utf8', 0, length) };
  } catch (error) {
    return { print: before, problem: `cannot read policy "${file}": ${(error as Error).message}` };
  } finally {
    await handle.close();
  }
}

/**
 * Calls back when the file is not what was read last (`lastRead`; null = read it in any case) and stayed so for a moment.
 * Returns the way to stop.
 */
export function watchPolicy(file: string, lastRead: () => Print | null, onChange: () => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const later = (ms: number, then: () => Promise<void>) => {
    if (!stopped) timer = setTimeout(() => void then(), ms).unref();
  };
  const look = async (): Promise<void> => {
    const print = await printOf(file);
    if (print === lastRead()) return later(LIMITS.policyFileCheckMs, look);
    // an editor may be in the middle of it: it counts when it is still the same a moment later
    later(LIMITS.configSettleMs, async () => {
      if ((await printOf(file)) === print && !stopped) onChange();
      later(LIMITS.policyFileCheckMs, look);
    });
  };
  later(LIMITS.policyFileCheckMs, look);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function printOf(file: string): Promise<Print> {
  try {
    return printFrom(await stat(file));
  } catch {
    return GONE; // or not to be seen, which is told when it is read
  }
}

function printFrom({ mtimeMs, size, ino }: Stats): Print {
  return `${mtimeMs} ${size} ${ino}`;
}
