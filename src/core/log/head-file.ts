/**
 * The head file: how far the log reached, kept apart from it. SQLite forgets a torn end without a word; this does not
 * (kernel section 2). Written in place after each commit, off the path of its acknowledgement: a log that is ahead of
 * its head is sound, one that is behind it has lost events. Must never be written before the commit it names.
 */
import { hash } from 'node:crypto';
import {
  close,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  openSync,
  readFileSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Position } from '../ids.ts';
import type { Link } from './sqlite-chain.ts';

const writeAt = promisify(write);
const sync = promisify(fdatasync);
const closeFd = promisify(close);

/** One sector, always written whole. */
const HEAD_BYTES = 256;

/** What the head file says. `unreadable`: it is not one that turnout wrote completely. */
export function readHead(path: string): Link | 'missing' | 'unreadable' {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable';
  }
  return parseHead(text) ?? 'unreadable';
}

export interface HeadFile {
  /** What the file says on the disk. */
  readonly reached: Position;
  /** Writes this head as soon as the one being written is done; only the newest counts. */
  advance(head: Link): void;
  /** Resolves when nothing is left to write. */
  settled(): Promise<void>;
  /** Waits for the last write, then closes the file. */
  close(): Promise<void>;
  /** Closes the file at once; what was not written yet is given up. */
  abandon(): void;
}

/** Opens or makes the head file and writes `head` to it before returning. Throws what `fs` throws. */
export function openHead(path: string, head: Link, onWarning: (text: string) => void): HeadFile {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    writeSync(fd, formatHead(head), 0, HEAD_BYTES, 0);
    fdatasyncSync(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let wanted: Link | null = null;
  let reached = head.position;
  let writing: Promise<void> | null = null;
  let warned = false;
  let given = false;

  async function writeAll(): Promise<void> {
    while (wanted !== null && !given) {
      const next = wanted;
      wanted = null;
      try {
        await writeAt(fd, formatHead(next), 0, HEAD_BYTES, 0);
        await sync(fd);
        reached = next.position;
        warned = false;
      } catch (error) {
        if (!warned) onWarning(`write the head of the event log "${path}": ${(error as Error).message}`);
        warned = true;
      }
    }
    writing = null;
  }

  return {
    get reached() {
      return reached;
    },
    advance(next) {
      wanted = next;
      writing ??= writeAll();
    },
    async settled() {
      await writing;
    },
    async close() {
      await writing;
      if (!given) await closeFd(fd);
      given = true;
    },
    abandon() {
      given = true;
      // A write under way still uses the number of the file; it is closed behind it.
      const done = (writing ?? Promise.resolve()).then(() => closeFd(fd));
      done.catch((error: Error) => onWarning(`close the head of the event log "${path}": ${error.message}`));
    },
  };
}

function formatHead(head: Link): Buffer {
  const { position, hash: of } = head;
  const text = JSON.stringify({ position, hash: of, check: check(position, of) });
  return Buffer.from(`${text.padEnd(HEAD_BYTES - 1)}\n`);
}

function parseHead(text: string): Link | null {
  try {
    const { position, hash: of, check: told } = JSON.parse(text) as Record<string, unknown>;
    if (typeof position !== 'number' || typeof of !== 'string') return null;
    return told === check(position, of) ? { position, hash: of } : null;
  } catch {
    return null; // not JSON: reported to the caller as unreadable
  }
}

/** A flipped bit in this file must not make a sound log look foreign. */
const check = (position: number, of: string): string => hash('sha256', `${position} ${of}`, 'hex').slice(0, 16);
