/**
 * Reads a log and says whether it is what was written: every row against the hash of its commit, the indexes against the
 * rows, the blobs against their checks. A page that is not read is not known to be whole, so all is read, at once or, for
 * a start that should not wait, the end first and the rest behind it. Must never write.
 */
import type Database from 'better-sqlite3';
import type { EventType } from '../events.ts';
import { VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import { LINE_END, rowToLine } from './codec.ts';
import type { Link } from './sqlite-chain.ts';
import { blobCheck, nextHash } from './sqlite-chain.ts';
import { readRoot, Unsound } from './sqlite-root.ts';
import { expectedSchema, formatOf, MIGRATIONS, schemaOf } from './sqlite-schema.ts';

const ROWS_AT_ONCE = 2_000;

/** The ends of a sound log. */
export interface Verified {
  /** Position and hash that the first commit follows. */
  root: Link;
  last: Link;
}

/** Reads everything. Throws `Unsound`, or what SQLite throws. Call within a transaction. */
export function verifyLog(db: Database.Database): Verified {
  verifySchema(db);
  verifyPages(db);
  verifyBlobs(db);
  return verifyFrom(db, null);
}

/** The same of what follows a commit (null: of all commits). What lies before is not looked at, nor are pages and blobs. */
export function verifyTail(db: Database.Database, from: Link | null): Verified {
  verifySchema(db);
  return verifyFrom(db, from);
}

function verifyFrom(db: Database.Database, from: Link | null): Verified {
  const root = readRoot(db);
  const first = db.prepare<[number], Row>('SELECT * FROM events WHERE position = ?').raw().get(root.position);
  const newer = first === undefined ? null : newerThanKnown(first);
  if (newer !== null) throw newer;
  return { root, last: verifyChain(db, from ?? root) };
}

/** The hash of the commit that ends at a position, or null when no commit does. */
export function hashAt(db: Database.Database, position: Position): string | null {
  return db.prepare<[number], string>('SELECT hash FROM commits WHERE last = ?').pluck().get(position) ?? null;
}

function verifySchema(db: Database.Database): void {
  if (formatOf(db) !== MIGRATIONS.length) return;
  const found = schemaOf(db);
  for (const [name, sql] of expectedSchema()) {
    if (found.get(name) !== sql) throw new Unsound('damaged', `"${name}" is missing or not as it was made`);
  }
}

function verifyPages(db: Database.Database): void {
  const problem = String(db.pragma('integrity_check(1)', { simple: true }));
  if (problem !== 'ok') throw new Unsound('damaged', problem.replace(/\s+/g, ' '));
}

function verifyBlobs(db: Database.Database): void {
  const rows = db.prepare<[], [string, string, string]>('SELECT hash, bytes, proof FROM blobs').raw();
  for (const [key, bytes, proof] of rows.iterate()) {
    if (blobCheck(key, bytes) !== proof) throw new Unsound('damaged', `blob "${key}" is not what was stored`);
  }
}

/** The last commit. Each commit's rows are those that follow the commit before it. */
function verifyChain(db: Database.Database, root: Link): Link {
  const events = db.prepare<[number, number], Row>('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?');
  const ends = commitsAfter(db, root.position);
  let last = root;
  let lines: string[] = [];
  let newer: Unsound | null = null;
  let end = ends.next().value;
  for (let from = root.position; ; ) {
    const rows = events.raw().all(from, ROWS_AT_ONCE);
    for (const row of rows) {
      if (end === undefined || row[0] > end[0]) throw new Unsound('damaged', `event ${row[0]} belongs to no commit`);
      newer ??= newerThanKnown(row);
      lines.push(rowToLine(row));
      from = row[0];
      if (from !== end[0]) continue;
      const got = nextHash(last.hash, lines.join(LINE_END));
      if (got !== end[1]) throw mismatch(last.position + 1, from);
      last = { position: from, hash: got };
      lines = [];
      end = ends.next().value;
    }
    if (rows.length < ROWS_AT_ONCE) break;
  }
  if (end !== undefined) throw new Unsound('damaged', `the events of the commit that ends at ${end[0]} are missing`);
  if (newer !== null) throw newer;
  return last;
}

/** The commits in order, read in pieces: a log of ten million events has a million of them. */
function* commitsAfter(
  db: Database.Database,
  position: Position,
): Generator<[last: Position, hash: string], undefined> {
  const some = db
    .prepare<[number, number], [number, string]>('SELECT last, hash FROM commits WHERE last > ? ORDER BY last LIMIT ?')
    .raw();
  for (let from = position; ; ) {
    const ends = some.all(from, ROWS_AT_ONCE);
    yield* ends;
    if (ends.length < ROWS_AT_ONCE) return;
    from = ends.at(-1)?.[0] ?? from;
  }
}

/** Only believed once the chain is proven: a flipped bit must not pass for a newer version. */
function newerThanKnown([position, , type, version]: Row): Unsound | null {
  const known = Object.hasOwn(VERSION, type) ? VERSION[type as EventType] : 0;
  if (version <= known) return null;
  const expected = known === 0 ? 'a type that is known here' : `at most version ${known}`;
  return new Unsound('newer', `event ${position} is "${type}" version ${version}, expected ${expected}`);
}

function mismatch(from: Position, to: Position): Unsound {
  return new Unsound('damaged', `events ${from} to ${to} do not match the hash of their commit`);
}
