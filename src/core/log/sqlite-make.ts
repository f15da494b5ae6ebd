/**
 * Makes a log from events that come from elsewhere: a file with its own chain of hashes, as if it had been written event by
 * event. Must never touch a log that is there, and leaves nothing behind when it is given up.
 */
import { chmodSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Position } from '../ids.ts';
import { LINE_END, lineToRow, positionOf } from './codec.ts';
import { removeDatabase } from './log-files.ts';
import { blobCheck, type Link, newSeed, nextHash } from './sqlite-chain.ts';
import { readRoot, writeRoot } from './sqlite-root.ts';
import { createTables } from './sqlite-schema.ts';

const LINES_AT_ONCE = 1_000;

export interface LogMaker {
  /** The line of an event, of which the positions rise. */
  add(line: string): void;
  blob(hash: string, bytes: string): void;
  /** Closes the file; it is one, without companions. Returns its end. */
  finish(): Link;
  /** Removes the file. */
  discard(): void;
}

/**
 * `line`: of the `log.rebased` that the log begins with at `base`; null = it begins with its first event. Throws what
 * SQLite throws, as every call does.
 */
export function makeLog(path: string, base: Position, line: string | null): LogMaker {
  removeDatabase(path);
  const db = new Database(path);
  // Who asked for what is nobody else's business.
  chmodSync(path, 0o600);
  createTables(db);
  // Nobody reads it before it is whole, and until then a crash costs no more than doing it again.
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.transaction(() => writeRoot(db, base, newSeed(), line))();
  let last = readRoot(db);
  let waiting: string[] = [];
  const putEvent = db.prepare<unknown[]>(
    'INSERT INTO events (position, at, type, version, model, request, cause, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const putCommit = db.prepare<[number, string]>('INSERT INTO commits (last, hash) VALUES (?, ?)');
  const putBlob = db.prepare('INSERT INTO blobs (hash, bytes, proof) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');

  const commit = db.transaction((lines: readonly string[]) => {
    for (const one of lines) putEvent.run(lineToRow(one));
    last = { position: positionOf(lines.at(-1) ?? ''), hash: nextHash(last.hash, lines.join(LINE_END)) };
    putCommit.run(last.position, last.hash);
  });

  function write(): void {
    if (waiting.length > 0) commit(waiting);
    waiting = [];
  }

  return {
    add(one) {
      waiting.push(one);
      if (waiting.length >= LINES_AT_ONCE) write();
    },
    blob: (hash, bytes) => void putBlob.run(hash, bytes, blobCheck(hash, bytes)),
    finish() {
      write();
      db.pragma('journal_mode = DELETE');
      db.close();
      return last;
    },
    discard() {
      db.close();
      removeDatabase(path);
    },
  };
}
