/**
 * Reads small files of /proc and /sys. Each can hang or vanish: that one is gone and that one may not be read are
 * answers here, everything else is thrown. Must never read synchronously what takes a lock of the kernel.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** `gone`: there is no such process, file or device (any more). `denied`: not ours to read. */
export type Missing = 'gone' | 'denied';

export const readText = (path: string): Promise<{ text: string } | Missing> =>
  orMissing(async () => ({ text: await readFile(path, 'utf8') }));

export const readLink = (path: string): Promise<{ text: string } | Missing> =>
  orMissing(async () => ({ text: await readlink(path) }));

export const readFolder = (path: string): Promise<{ names: string[] } | Missing> =>
  orMissing(async () => ({ names: await readdir(path) }));

/** A file that holds one whole number; null when it is missing or holds something else. */
export async function readNumber(path: string): Promise<number | null> {
  const read = await readText(path);
  return typeof read === 'object' && /^\d+\s*$/.test(read.text) ? Number(read.text) : null;
}

/** Bytes of a line such as `MemTotal:  65 kB`, as /proc writes them; null when there is none. */
export function kilobytesOf(text: string, key: string): number | null {
  const match = new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(text);
  return match === null ? null : Number(match[1]) * 1_024;
}

const GONE = new Set(['ENOENT', 'ESRCH', 'ENOTDIR', 'ENODEV']);
const DENIED = new Set(['EACCES', 'EPERM']);

async function orMissing<T>(read: () => Promise<T>): Promise<T | Missing> {
  try {
    return await read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (GONE.has(code)) return 'gone';
    if (DENIED.has(code)) return 'denied';
    throw error;
  }
}
