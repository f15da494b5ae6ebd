/**
 * Where a log begins: the position and the hash that its first commit follows and, when events have left it, the state
 * that they had led to, as an event at that position. Rows below the base are on their way out and belong to the log no
 * more. Must never let a base be read that is not the one that was written.
 */
import type Database from 'better-sqlite3';
import { VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import { encodeState, STATE_VERSION } from '../state-codec.ts';
import { lineToRow, type Row, rowToLine } from './codec.ts';
import { baseProof, type Link, rootHash } from './sqlite-chain.ts';

/** A fault of the contents; `reason` as in the name of a file that was moved aside. */
export class Unsound extends Error {
  readonly reason: 'damaged' | 'newer';

  constructor(reason: 'damaged' | 'newer', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a log is begun with when it is not its first event. */
export interface Origin {
  base: Link;
  /** The line of a `log.rebased` at that position. */
  line: string;
}

/** Position and hash that the first commit follows. Throws `Unsound`. */
export function readRoot(db: Database.Database): Link {
  const value = db.prepare<[string], unknown>('SELECT value FROM meta WHERE key = ?').pluck();
  const [position, seed] = [value.get('base'), value.get('seed')];
  if (typeof position !== 'number' || typeof seed !== 'string') throw new Unsound('damaged', 'base or seed is missing');
  const rooted = value.get('rooted');
  const root = { position, hash: typeof rooted === 'string' ? rooted : rootHash(position, seed) };
  const first = db.prepare<[number], Row>('SELECT * FROM events WHERE position = ?').raw().get(position);
  const expected = first === undefined ? undefined : baseProof(seed, root, rowToLine(first));
  if (value.get('proof') !== expected) {
    throw new Unsound('damaged', `the state at event ${position}, with which the log begins, is not what was stored`);
  }
  return root;
}

/** The position of the first event, or the one before it. Rows below are on their way out. */
export function readBase(db: Database.Database): Position {
  return db.prepare<[], number>("SELECT value FROM meta WHERE key = 'base'").pluck().get() ?? 0;
}

/** Roots a new log. Without an origin `base` is the position before its first event. */
export function writeRoot(db: Database.Database, base: Position, seed: string, line: string | null): void {
  const put = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  // bigint: better-sqlite3 binds a number as REAL, which an ANY column would keep.
  put.run('base', BigInt(base));
  put.run('seed', seed);
  if (line === null) return;
  put.run('proof', baseProof(seed, { position: base, hash: rootHash(base, seed) }, line));
  insertRow(db, line);
}

/** Roots the log anew at the end of one of its commits. Call within a transaction. */
export function moveRoot(db: Database.Database, { base, line }: Origin): void {
  const seed = db.prepare<[], string>("SELECT value FROM meta WHERE key = 'seed'").pluck().get() ?? '';
  const put = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
  put.run('base', BigInt(base.position));
  put.run('rooted', base.hash);
  put.run('proof', baseProof(seed, base, line));
  db.prepare('DELETE FROM events WHERE position = ?').run(base.position);
  insertRow(db, line);
}

/** The line of the event that says what all events up to this state have led to. */
export function rebasedLine(state: Readonly<State>): string {
  const data = `{"stateVersion":${STATE_VERSION},"state":${encodeState(state)}}`;
  return rowToLine([state.position, state.at, 'log.rebased', VERSION['log.rebased'], null, null, null, data]);
}

function insertRow(db: Database.Database, line: string): void {
  const columns = 'position, at, type, version, model, request, cause, data';
  db.prepare<unknown[]>(`INSERT INTO events (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`).run(...lineToRow(line));
}
