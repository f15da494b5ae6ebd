/**
 * The read-write connection of the log and everything that is done with it. Lives in the writer's thread; all calls
 * block. Must never be used after a failed fsync: `abandon` it, the file is not to be trusted (kernel section 7).
 */
import type Database from 'better-sqlite3';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import { LINE_END, lineToRow, positionOf } from './codec.ts';
import type { LogFiles } from './log-files.ts';
import { identity, removeDatabase, sizeOf } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { blobCheck, nextHash } from './sqlite-chain.ts';
import type { Fault } from './sqlite-fault.ts';
import { stateAt } from './sqlite-fold.ts';
import { rebasedLine } from './sqlite-root.ts';
import { newestSnapshot, putSnapshot, type Snapshot } from './sqlite-snapshots.ts';
import { createTrimmer, type Trimmer } from './sqlite-trimmer.ts';
import { verifyTail } from './sqlite-verify.ts';

export interface StoreOptions {
  files: LogFiles;
  rowsPerInsert: number;
  fault: Fault;
}

/** What is written in one transaction. `text` is the lines of the events, empty for none. */
export interface StoreBatch {
  text: string;
  blobs: readonly (readonly [hash: string, bytes: string])[];
}

export interface Store {
  readonly last: Link;
  readonly trimmer: Trimmer;
  /** Throws what SQLite throws; nothing of the batch is stored then. Events that are stored already are left out. */
  commit(batch: StoreBatch): void;
  /** Throws what SQLite throws. */
  keep(snapshot: Snapshot): void;
  /**
   * The line of a `log.rebased` with the state at the end, for a log that goes on from there. Throws when it cannot be
   * told: only what the hashes prove is believed.
   */
  rebasedLine(): string;
  walBytes(): number;
  /** Bytes of the database and its write-ahead file. */
  bytes(): number;
  /** Folds the write-ahead file into the database. False when a reader kept part of it. */
  checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): boolean;
  /** Whether another file, or none, stands where ours did. */
  moved(): boolean;
  /** Writes everything to `files.rescued`, from the open file, wherever its name went. */
  rescue(): void;
  /** Closes for good and folds in the write-ahead file. */
  close(): void;
  /** Closes without another write to the file. */
  abandon(): void;
}

/** `found.reader` stays open with it: while it is, closing `db` neither folds in nor deletes the write-ahead file. */
export function createStore(
  db: Database.Database,
  found: { reader: Database.Database; last: Link },
  { files, fault, rowsPerInsert }: StoreOptions,
): Store {
  const [ourDatabase, ourWal] = [identity(files.database), identity(files.wal)];
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const putCommit = db.prepare('INSERT INTO commits (last, hash) VALUES (?, ?)');
  const putBlob = db.prepare('INSERT INTO blobs (hash, bytes, proof) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const insert = inserter(db, rowsPerInsert);
  let last = found.last;

  function write({ text, blobs }: StoreBatch): Link {
    for (const [key, bytes] of blobs) putBlob.run(key, bytes, blobCheck(key, bytes));
    const lines = unwritten(text, last.position);
    if (lines.length === 0) return last;
    const rows = lines.map(lineToRow);
    insert(rows);
    const whole = lines.join(LINE_END);
    const next = { position: rows[rows.length - 1]![0], hash: nextHash(last.hash, whole) };
    putCommit.run(next.position, next.hash);
    return next;
  }

  return {
    get last() {
      return last;
    },
    trimmer: createTrimmer(db, fault),
    commit(batch) {
      fault.beforeInsert(db);
      begin.run();
      try {
        const next = write(batch);
        fault.beforeCommit();
        commit.run();
        last = next;
      } finally {
        if (db.inTransaction) db.exec('ROLLBACK');
      }
    },
    keep(snapshot) {
      fault.beforeSnapshot();
      db.transaction(() => putSnapshot(db, snapshot)).immediate();
    },
    rebasedLine() {
      const snapshot = newestSnapshot(db, last.position);
      const tail = verifyTail(db, snapshot?.link ?? null);
      if (tail.last.hash !== last.hash)
        throw new Error(`the log does not end with the commit of event ${last.position}`);
      const state = stateAt(db, last.position);
      if (state.position !== last.position) throw new Error(`event ${last.position} is missing`);
      return rebasedLine(state);
    },
    walBytes: () => sizeOf(files.wal),
    bytes: () => sizeOf(files.database) + sizeOf(files.wal),
    checkpoint(mode) {
      const [done] = db.pragma(`wal_checkpoint(${mode})`) as { busy: number; log: number; checkpointed: number }[];
      return done !== undefined && done.busy === 0 && done.log === done.checkpointed;
    },
    moved: () => identity(files.database) !== ourDatabase || identity(files.wal) !== ourWal,
    rescue() {
      removeDatabase(files.rescued);
      db.prepare('VACUUM INTO ?').run(files.rescued);
    },
    close() {
      found.reader.close();
      db.close();
    },
    abandon() {
      // While the reader is open, closing `db` neither folds in nor deletes the write-ahead file; the reader cannot.
      db.close();
      found.reader.close();
    },
  };
}

/** Inserts many rows a statement: most of the cost of a row is the statement (statements are prepared once). */
function inserter(db: Database.Database, rowsMax: number): (rows: readonly Row[]) => void {
  const statements = new Map<number, Database.Statement<unknown[]>>();
  const statement = (count: number) => {
    let known = statements.get(count);
    if (known === undefined) {
      const values = Array.from({ length: count }, () => '(?, ?, ?, ?, ?, ?, ?, ?)').join(', ');
      const columns = 'position, at, type, version, model, request, cause, data';
      known = db.prepare(`INSERT INTO events (${columns}) VALUES ${values}`);
      statements.set(count, known);
    }
    return known;
  };
  return (rows) => {
    for (let from = 0; from < rows.length; from += rowsMax) {
      const some = rows.slice(from, from + rowsMax);
      statement(some.length).run(some.flat());
    }
  };
}

/** A commit whose answer was lost on the way (the writer died) is not written twice. */
function unwritten(text: string, last: Position): string[] {
  if (text === '') return [];
  const lines = text.split(LINE_END);
  return positionOf(text) > last ? lines : lines.filter((line) => positionOf(line) > last);
}
