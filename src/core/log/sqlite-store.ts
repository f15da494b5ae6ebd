/**
 * The read-write connection of the log and everything that is done with it. Lives in the writer's thread; all calls
 * block. Must never be used after a failed fsync: `abandon` it, the file is not to be trusted (kernel section 7).
 */
import { accessSync, chmodSync, constants, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import { LINE_END, lineToRow, positionOf } from './codec.ts';
import type { LogFiles } from './log-files.ts';
import { identity, moveAside, rename, sizeOf, syncDir } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { blobCheck, newSeed, nextHash } from './sqlite-chain.ts';
import type { Fault } from './sqlite-fault.ts';
import { type Finding, inspectLog } from './sqlite-inspect.ts';
import { createTables, migrate, refuseAffectedSqlite, setPragmas } from './sqlite-schema.ts';
import { isReadOnly } from './sqlite-trouble.ts';

export interface StoreOptions {
  files: LogFiles;
  /** Where a log begins that has to be made: the position before its first event. */
  base: Position;
  /** How far the log reached when this process last wrote to it. */
  known: Link | null;
  rowsPerInsert: number;
  walKeptBytes: number;
  fault: Fault;
}

/** What is written in one transaction. `text` is the lines of the events, empty for none. */
export interface StoreBatch {
  text: string;
  blobs: readonly (readonly [hash: string, bytes: string])[];
}

export interface Store {
  readonly last: Link;
  /** Throws what SQLite throws; nothing of the batch is stored then. Events that are stored already are left out. */
  commit(batch: StoreBatch): void;
  walBytes(): number;
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

export interface OpenedStore {
  store: Store;
  replaced: { reason: string; movedTo: string } | null;
  warnings: string[];
}

/**
 * Opens the log, or moves aside what cannot be used and begins a new one. Throws TurnoutError('state-dir',
 * 'log-unavailable') or what SQLite throws when neither is possible now.
 */
export function openStore(options: StoreOptions): OpenedStore {
  const { files } = options;
  refuseAffectedSqlite(sqliteVersion());
  let finding = inspectLog(files, options.known);
  let replaced: OpenedStore['replaced'] = null;
  if (finding.kind === 'sound') {
    try {
      return { store: startStore(finding, options), replaced, warnings: finding.warnings };
    } catch (error) {
      finding.reader.close();
      // SQLite will not write it although the system would: its header says so, and ours never does.
      if (!isReadOnly(error) || !mayWrite(files.database)) throw error;
      finding = { kind: 'unusable', reason: 'damaged', detail: 'its header forbids writing' };
    }
  }
  if (finding.kind === 'unusable') {
    const movedTo = moveAside(files, finding.reason) ?? files.database;
    replaced = { reason: `${finding.reason}: ${finding.detail}`, movedTo };
  }
  createDatabase(files, options.base);
  const fresh = inspectLog(files);
  if (fresh.kind !== 'sound') {
    const got = fresh.kind === 'none' ? 'no file' : `${fresh.reason}: ${fresh.detail}`;
    throw new TurnoutError('state-dir', `begin an event log at "${files.database}": expected a sound one, got ${got}`);
  }
  return { store: startStore(fresh, options), replaced, warnings: [] };
}

/** Made under another name and then renamed, so that a half-made log never stands in the place of one. */
function createDatabase(files: LogFiles, base: Position): void {
  removeDatabase(files.fresh);
  const db = new Database(files.fresh);
  try {
    // Who asked for what is nobody else's business; SQLite gives its other files the same mode.
    chmodSync(files.fresh, 0o600);
    createTables(db, base, newSeed());
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  rename(files.fresh, files.database);
  syncDir(files.dir);
}

function startStore(found: Extract<Finding, { kind: 'sound' }>, options: StoreOptions): Store {
  const { files } = options;
  const db = new Database(files.database, { fileMustExist: true, timeout: 1_000 });
  try {
    setPragmas(db, options.walKeptBytes);
    migrate(db);
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return store(db, found, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

function store(db: Database.Database, found: Extract<Finding, { kind: 'sound' }>, options: StoreOptions): Store {
  const { files, fault } = options;
  const [ourDatabase, ourWal] = [identity(files.database), identity(files.wal)];
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const putCommit = db.prepare('INSERT INTO commits (last, hash) VALUES (?, ?)');
  const putBlob = db.prepare('INSERT INTO blobs (hash, bytes, proof) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const insert = inserter(db, options.rowsPerInsert);
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
    walBytes: () => sizeOf(files.wal),
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

function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return db.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? '';
  } finally {
    db.close();
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // the answer itself
  }
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
