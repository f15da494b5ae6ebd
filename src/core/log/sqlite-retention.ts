/**
 * Which events may leave: those past the age and the size that the user set, at the end of a commit, never those that
 * something open still has its cause in. What they had led to is folded into the state that the log then begins with.
 * Must never write.
 */
import type Database from 'better-sqlite3';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import type { Link } from './sqlite-chain.ts';
import { positionAt, stateAt } from './sqlite-fold.ts';
import { type Origin, readBase, rebasedLine } from './sqlite-root.ts';

export interface CutWish {
  /** Events before this time (ms) leave; null = none for their age. */
  olderThan: number | null;
  /** The oldest leave until the log takes a seventh less than this; null = none for the size. */
  bytesMax: number | null;
  /** What is open since before then keeps no events from leaving. */
  causesSince: number;
}

/** Bytes that the database takes, without the room that it could give back. */
export interface Room {
  usedBytes: number;
  freeBytes: number;
}

/** What is cut off goes a bit further than the bound: the log is not cut with every event, and the file has free room too. */
const SIZE_KEPT = 0.85;

/** The state with which the log is to begin, or null when nothing has to leave. `last` is the last durable position. */
export function chooseCut(db: Database.Database, wish: CutWish, last: Position): Origin | null {
  const base = readBase(db);
  const wanted = Math.max(leftByAge(db, wish, last), leftBySize(db, wish, base, last));
  if (wanted <= base) return null;
  const now = stateAt(db, last);
  const commit = commitUpTo(db, Math.min(wanted, oldestNeeded(now, wish.causesSince) - 1));
  if (commit === null || commit.position <= base) return null;
  const state = commit.position === last ? now : stateAt(db, commit.position);
  return state.position === commit.position ? { base: commit, line: rebasedLine(state) } : null;
}

/** The last commit that ends at or before a position. */
function commitUpTo(db: Database.Database, position: Position): Link | null {
  return commit(db, 'last <= ? ORDER BY last DESC', position);
}

/** The first commit that ends at or after a position. */
export function commitFrom(db: Database.Database, position: Position): Link | null {
  return commit(db, 'last >= ? ORDER BY last', position);
}

function commit(db: Database.Database, which: string, position: Position): Link | null {
  const found = db
    .prepare<[number], [number, string]>(`SELECT last, hash FROM commits WHERE ${which} LIMIT 1`)
    .raw()
    .get(position);
  return found === undefined ? null : { position: found[0], hash: found[1] };
}

export function roomOf(db: Database.Database): Room {
  const number = (name: string) => Number(db.pragma(name, { simple: true }));
  const [pages, free, size] = [number('page_count'), number('freelist_count'), number('page_size')];
  return { usedBytes: (pages - free) * size, freeBytes: free * size };
}

function leftByAge(db: Database.Database, { olderThan }: CutWish, last: Position): Position {
  return olderThan === null ? 0 : positionAt(db, olderThan, last);
}

/** Events are taken to be of one size: what is left over is found the next time. */
function leftBySize(db: Database.Database, { bytesMax }: CutWish, base: Position, last: Position): Position {
  if (bytesMax === null) return 0;
  const { usedBytes } = roomOf(db);
  if (usedBytes <= bytesMax) return 0;
  return base + Math.ceil((last - base) * (1 - (bytesMax * SIZE_KEPT) / usedBytes));
}

/**
 * The oldest event that an open request, swap or drain began with: `explain` walks back to it. A day is enough for that:
 * a WebSocket that stays open for months must not keep months of events. What runs needs none, the state has it all.
 */
function oldestNeeded(state: Readonly<State>, since: number): Position {
  let oldest = Number.POSITIVE_INFINITY;
  const keep = (position: Position, at: number) => {
    if (at >= since) oldest = Math.min(oldest, position);
  };
  for (const { key, arrivedAt } of state.requests.values()) keep(key, arrivedAt);
  for (const { id, startedAt } of state.swaps.values()) keep(id, startedAt);
  if (state.drain !== null) keep(state.drain.id, state.drain.since);
  return oldest;
}
