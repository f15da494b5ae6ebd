/**
 * The tables, triggers and indexes of the log, and the steps that lead from an older file to this one (kernel section 2).
 * A migration that was released is never edited; a new one is added at the end.
 */
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';

/** Says in the file's header whose it is: "trnt". */
export const APPLICATION_ID = 0x74726e74;

/** Step i leads from `user_version` i to i + 1. */
export const MIGRATIONS: readonly string[] = [
  `
  -- at is REAL because a monotonic clock has fractions; whole numbers are stored as integers all the same.
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    type TEXT NOT NULL,
    version INTEGER NOT NULL,
    model TEXT,
    request INTEGER,
    cause INTEGER,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_request ON events (request) WHERE request IS NOT NULL;
  CREATE INDEX events_model ON events (model) WHERE request IS NULL;

  CREATE TABLE commits (last INTEGER PRIMARY KEY, hash TEXT NOT NULL) STRICT;
  CREATE TABLE blobs (hash TEXT PRIMARY KEY, bytes TEXT NOT NULL, proof TEXT NOT NULL) STRICT;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;

  CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
  END;
  CREATE TRIGGER events_never_leave BEFORE DELETE ON events
  WHEN OLD.position > coalesce((SELECT value FROM meta WHERE key = 'base'), -1) BEGIN
    SELECT RAISE(ABORT, 'events after the base are never deleted');
  END;
  CREATE TRIGGER commits_never_change BEFORE UPDATE ON commits BEGIN
    SELECT RAISE(ABORT, 'commits are never changed');
  END;
  CREATE TRIGGER commits_never_leave BEFORE DELETE ON commits
  WHEN OLD.last > coalesce((SELECT value FROM meta WHERE key = 'base'), -1) BEGIN
    SELECT RAISE(ABORT, 'commits after the base are never deleted');
  END;
  CREATE TRIGGER blobs_never_change BEFORE UPDATE ON blobs BEGIN
    SELECT RAISE(ABORT, 'blobs are never changed');
  END;
  `,
  `
  -- States at the end of commits, so that no fold begins at the first event. Nothing is lost with them.
  CREATE TABLE snapshots (
    position INTEGER PRIMARY KEY,
    fold INTEGER NOT NULL,
    link TEXT NOT NULL,
    bytes BLOB NOT NULL,
    proof TEXT NOT NULL
  ) STRICT;
  `,
];

/** The format from which on a file has snapshots. */
export const SNAPSHOTS_SINCE = 2;

/** Brings a file to the newest version, each step in its own transaction. Returns the version it had. */
export function migrate(db: Database.Database, steps: readonly string[] = MIGRATIONS): number {
  const found = formatOf(db);
  for (let version = found; version < steps.length; version += 1) {
    db.transaction(() => {
      db.exec(steps[version] ?? '');
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
  return found;
}

/** Fills an empty file, which has no root yet. */
export function createTables(db: Database.Database): void {
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  setPragmas(db);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  migrate(db);
}

/** The format of a file, as a number of steps. */
export const formatOf = (db: Database.Database): number => Number(db.pragma('user_version', { simple: true }));

/**
 * Sets what SQLite forgets between two openings, and looks whether it took: WAL files open at synchronous=NORMAL, which
 * may lose acknowledged commits; without recursive triggers `INSERT OR REPLACE` walks past both triggers.
 */
export function setPragmas(db: Database.Database, walKeptBytes = 0): void {
  const wanted: [name: string, value: string | number][] = [
    ['journal_mode', 'wal'],
    ['synchronous', 2],
    ['recursive_triggers', 1],
    ['wal_autocheckpoint', 0],
    ['fullfsync', 1],
    ['checkpoint_fullfsync', 1],
    ['journal_size_limit', walKeptBytes],
  ];
  for (const [name, value] of wanted) {
    db.pragma(`${name} = ${value}`);
    const got = db.pragma(name, { simple: true });
    if (got === value) continue;
    throw new TurnoutError('log-unavailable', `open the event log: expected ${name} to be ${value}, got "${got}"`);
  }
}

/** Name to SQL of everything that the newest version holds. */
export function expectedSchema(): Map<string, string> {
  const db = new Database(':memory:');
  try {
    migrate(db);
    return schemaOf(db);
  } finally {
    db.close();
  }
}

/** Name to SQL of what a file holds. */
export function schemaOf(db: Database.Database): Map<string, string> {
  const rows = db
    .prepare<[], [string, string]>('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .raw()
    .all();
  return new Map(rows);
}

/**
 * Throws TurnoutError('log-unavailable') for the versions of SQLite in which two connections can lose commits (the
 * WAL-reset defect: 3.7.0 to 3.51.2, except 3.44.6 and 3.50.7 and later of those branches).
 */
export function refuseAffectedSqlite(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const sound =
    major > 3 ||
    (major === 3 &&
      (minor > 51 || (minor === 51 && patch >= 3) || (minor === 50 && patch >= 7) || (minor === 44 && patch >= 6)));
  if (sound) return;
  const expected = 'expected SQLite 3.51.3 or later (or 3.50.7, 3.44.6)';
  throw new TurnoutError(
    'log-unavailable',
    `open the event log: ${expected}, got "${version}", which can lose commits`,
  );
}
