/**
 * Reads a whole log and says whether it is what was written: every row against the hash of its commit, the indexes
 * against the rows, the blobs against their checks. Everything is read at every opening, because a page that is not read
 * is not known to be whole (1.5 to 2.5 s for a million events). Must never write.
 */
import type Database from 'better-sqlite3';
import type { EventType } from '../events.ts';
import { VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import { LINE_END, rowToLine } from './codec.ts';
import type { Link } from './sqlite-chain.ts';
import { blobCheck, nextHash, rootHash } from './sqlite-chain.ts';
import { expectedSchema, MIGRATIONS, schemaOf } from './sqlite-schema.ts';

const ROWS_AT_ONCE = 2_000;

/** A fault of the contents; `reason` as in the name of a file that was moved aside. */
export class Unsound extends Error {
  readonly reason: 'damaged' | 'newer';

  constructor(reason: 'damaged' | 'newer', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The ends of a sound log. */
export interface Verified {
  /** The position before the first event, and the hash there. */
  root: Link;
  last: Link;
}

/** Reads everything. Throws `Unsound`, or what SQLite throws. Call within a transaction. */
export function verifyLog(db: Database.Database): Verified {
  verifyStructure(db);
  verifyBlobs(db);
  const root = readRoot(db);
  return { root, last: verifyChain(db, root) };
}

/** The hash of the commit that ends at a position, or null when no commit does. */
export function hashAt(db: Database.Database, position: Position): string | null {
  return db.prepare<[number], string>('SELECT hash FROM commits WHERE last = ?').pluck().get(position) ?? null;
}

function verifyStructure(db: Database.Database): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version === MIGRATIONS.length) {
    const found = schemaOf(db);
    for (const [name, sql] of expectedSchema()) {
      if (found.get(name) !== sql) throw new Unsound('damaged', `"${name}" is missing or not as it was made`);
    }
  }
  const problem = String(db.pragma('integrity_check(1)', { simple: true }));
  if (problem !== 'ok') throw new Unsound('damaged', problem.replace(/\s+/g, ' '));
}

function verifyBlobs(db: Database.Database): void {
  const rows = db.prepare<[], [string, string, string]>('SELECT hash, bytes, proof FROM blobs').raw();
  for (const [key, bytes, proof] of rows.iterate()) {
    if (blobCheck(key, bytes) !== proof) throw new Unsound('damaged', `blob "${key}" is not what was stored`);
  }
}

function readRoot(db: Database.Database): Link {
  const value = db.prepare<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck();
  const [base, seed] = [value.get('base'), value.get('seed')];
  if (typeof base !== 'number' || typeof seed !== 'string') throw new Unsound('damaged', 'base or seed is missing');
  return { position: base, hash: rootHash(base, seed) };
}

function verifyChain(db: Database.Database, root: Link): Link {
  const events = db.prepare<[number, number], Row>('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?');
  const commits = db.prepare<[number], [number, string]>('SELECT last, hash FROM commits WHERE last > ? ORDER BY last');
  const ends = commits.raw().all(root.position).values();
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
