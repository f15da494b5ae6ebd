/**
 * Disks that lose power, break, fill up or cannot be written, as far as this machine lets a test have them: a library
 * between a program and its files, and small file systems. Must never leave anything mounted.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDir } from './log-fixtures.ts';

const SECTOR_BYTES = 512;

function works(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false; // the answer itself: the tests that need it are skipped
  }
}

/** Whether a library can be made and put between a program and its files. */
export const canPreload = process.platform === 'linux' && works('cc', ['--version']);

/** Whether file systems can be mounted here. */
export const canMount =
  process.platform === 'linux' && works('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', tmpdir()]);

/** Path of the library made of programs/disk.c. */
export function diskLibrary(): string {
  const library = join(tempDir(), 'disk.so');
  const source = join(import.meta.dirname, 'programs/disk.c');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return library;
}

/** A directory on a disk of this size; it is unmounted after the test. */
export function smallDisk(bytes: number): string {
  const dir = tempDir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', dir]);
  onTestFinished(() => void execFileSync('umount', ['-l', dir]));
  return dir;
}

/** The same directory under another name, where nothing can be written. */
export function readOnlyView(dir: string): string {
  const view = tempDir();
  execFileSync('mount', ['--bind', dir, view]);
  onTestFinished(() => void execFileSync('umount', ['-l', view]));
  execFileSync('mount', ['-o', 'remount,ro,bind', view]);
  return view;
}

/** What happened to a disk, in order. `printed`: the program said so to the outside. */
export type Happening =
  | { kind: 'write'; file: string; offset: number; data: Buffer }
  | { kind: 'truncate'; file: string; size: number }
  | { kind: 'sync'; file: string }
  | { kind: 'printed'; text: string };

export function readTrace(path: string): Happening[] {
  const bytes = readFileSync(path);
  const found: Happening[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 14 + bytes[at + 1]!;
    const end = nameEnd + bytes.readUInt32LE(at + 10);
    const [kind, file] = [bytes.toString('latin1', at, at + 1), bytes.toString('utf8', at + 14, nameEnd)];
    const offset = Number(bytes.readBigInt64LE(at + 2));
    const data = bytes.subarray(nameEnd, end);
    if (kind === 'w') found.push({ kind: 'write', file, offset, data });
    else if (kind === 't') found.push({ kind: 'truncate', file, size: offset });
    else if (kind === 's') found.push({ kind: 'sync', file });
    else found.push({ kind: 'printed', text: data.toString('utf8') });
    at = end;
  }
  return found;
}

/**
 * Does to the files of a directory what a disk may have done when the power went: all that was synced is there, of the
 * rest any part, and the last write may be torn.
 */
export function losePower(dir: string, happened: readonly Happening[], random: () => number): void {
  const synced = new Map<string, number>();
  for (const [index, one] of happened.entries()) if (one.kind === 'sync') synced.set(one.file, index);
  mkdirSync(dir, { recursive: true });
  for (const [index, one] of happened.entries()) {
    if (one.kind === 'sync' || one.kind === 'printed' || one.file.endsWith('-shm')) continue;
    const safe = index < (synced.get(one.file) ?? -1);
    if (safe || random() < 0.5) apply(dir, one, !safe && random() < 0.3 ? random() : 1);
  }
  rmSync(join(dir, 'events.db-shm'), { force: true });
}

function apply(dir: string, one: Extract<Happening, { kind: 'write' | 'truncate' }>, share: number): void {
  const path = join(dir, one.file);
  const fd = openSync(path, existsSync(path) ? 'r+' : 'w+', 0o600);
  try {
    if (one.kind === 'truncate') ftruncateSync(fd, one.size);
    else {
      const torn = share === 1 ? one.data.length : Math.floor((one.data.length * share) / SECTOR_BYTES) * SECTOR_BYTES;
      writeSync(fd, one.data, 0, torn, one.offset);
    }
  } finally {
    closeSync(fd);
  }
}
