/**
 * Opens the log for writing: proves what lies there, moves aside what cannot be used, and makes a new one where there is
 * none. Must never let a half-made log stand in the place of one.
 */
import { accessSync, chmodSync, constants } from 'node:fs';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { moveAside, removeDatabase, rename, syncDir } from './log-files.ts';
import { type Link, newSeed } from './sqlite-chain.ts';
import { type Finding, inspectLog } from './sqlite-inspect.ts';
import type { Extent, Replaced } from './sqlite-messages.ts';
import { writeRoot } from './sqlite-root.ts';
import { createTables, migrate, refuseAffectedSqlite, setPragmas } from './sqlite-schema.ts';
import { forgetOtherSnapshots } from './sqlite-snapshots.ts';
import { createStore, type Store, type StoreOptions } from './sqlite-store.ts';
import { isReadOnly } from './sqlite-trouble.ts';

export interface OpenOptions extends StoreOptions {
  /** Where a log begins that has to be made: the position before its first event. */
  base: Position;
  /** The line of the `log.rebased` that such a log begins with at that position, or null. */
  line: string | null;
  /** How far the log reached when this process last wrote to it. */
  known: Link | null;
  /** A larger log is only proven from its newest snapshot on. */
  wholeBytesMax: number;
  walKeptBytes: number;
}

export interface OpenedStore {
  store: Store;
  replaced: Replaced | null;
  warnings: string[];
  extent: Extent;
}

type Sound = Extract<Finding, { kind: 'sound' }>;

/**
 * Opens the log, or moves aside what cannot be used and begins a new one. Throws TurnoutError('state-dir',
 * 'log-unavailable') or what SQLite throws when neither is possible now.
 */
export function openStore(options: OpenOptions): OpenedStore {
  const { files } = options;
  refuseAffectedSqlite(sqliteVersion());
  let finding = inspectLog(files, options);
  let replaced: OpenedStore['replaced'] = null;
  if (finding.kind === 'sound') {
    try {
      return opened(finding, options, replaced);
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
  createDatabase(options);
  const fresh = inspectLog(files);
  if (fresh.kind !== 'sound') {
    const got = fresh.kind === 'none' ? 'no file' : `${fresh.reason}: ${fresh.detail}`;
    throw new TurnoutError('state-dir', `begin an event log at "${files.database}": expected a sound one, got ${got}`);
  }
  // A fresh log has no head; that is not worth a word.
  return opened({ ...fresh, warnings: [] }, options, replaced);
}

function opened(found: Sound, options: OpenOptions, replaced: Replaced | null): OpenedStore {
  const { warnings, whole, snapshot, base } = found;
  const store = startStore(found, options);
  const extent = { whole, snapshot: Math.max(snapshot, base), unfinished: store.trimmer.unfinished() };
  return { store, replaced, warnings, extent };
}

/** Made under another name and then renamed. */
function createDatabase({ files, base, line }: OpenOptions): void {
  removeDatabase(files.fresh);
  const db = new Database(files.fresh);
  try {
    // Who asked for what is nobody else's business; SQLite gives its other files the same mode.
    chmodSync(files.fresh, 0o600);
    createTables(db);
    writeRoot(db, base, newSeed(), line);
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  rename(files.fresh, files.database);
  syncDir(files.dir);
}

function startStore(found: Sound, options: OpenOptions): Store {
  const { files } = options;
  const db = new Database(files.database, { fileMustExist: true, timeout: 1_000 });
  try {
    setPragmas(db, options.walKeptBytes);
    migrate(db);
    db.transaction(() => forgetOtherSnapshots(db)).immediate();
    return createStore(db, found, options);
  } catch (error) {
    db.close();
    throw error;
  }
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
