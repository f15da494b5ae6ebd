/**
 * The fold over stored rows: the state at any position, from the nearest snapshot on. Runs in the threads of the log, for
 * folding a million events takes two seconds. Must never write, and never hold a log in memory whole.
 */
import type Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import { emptyState, evolve } from '../evolve.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import { type Row, rowsToFold } from './codec.ts';
import { readBase } from './sqlite-root.ts';
import { newestSnapshot, openSnapshot } from './sqlite-snapshots.ts';

const ROWS_AT_ONCE = 500;

/** The state after this position, for the caller to own. Throws TurnoutError('not-found') when it has left the log. */
export function stateAt(db: Database.Database, position: Position, onBad?: (text: string) => void): State {
  const base = readBase(db);
  if (position < base) {
    const message = `fold the event log up to event ${position}: it begins with event ${base}, what was before has left`;
    throw new TurnoutError('not-found', message);
  }
  const state = newestState(db, position, onBad) ?? emptyState();
  foldRows(db, state, position);
  return state;
}

function newestState(db: Database.Database, upTo: Position, onBad: (text: string) => void = () => {}): State | null {
  const snapshot = newestSnapshot(db, upTo, onBad);
  if (snapshot === null) return null;
  try {
    return openSnapshot(snapshot);
  } catch (error) {
    // Its bytes are those that were stored, so the others are no better.
    onBad(`the snapshots of the event log cannot be read, they are not used: ${(error as Error).message}`);
    return null;
  }
}

/** Folds what follows `state` up to a position. Positions may jump where events were lost. */
export function foldRows(db: Database.Database, state: State, to: Position): void {
  const rows = db
    .prepare<number[], Row>('SELECT * FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?')
    .raw();
  for (let from = Math.max(state.position, readBase(db) - 1); from < to; ) {
    const some = rows.all(from, to, ROWS_AT_ONCE);
    for (const event of rowsToFold(some)) evolve(state, event);
    const last = some.at(-1);
    if (last === undefined || some.length < ROWS_AT_ONCE) return;
    from = last[0];
  }
}

/** The last position at or before a time (ms); the one before the first event when all came later. */
export function positionAt(db: Database.Database, time: number, last: Position): Position {
  const atOrAfter = db.prepare<[number], [number, number]>(
    'SELECT position, at FROM events WHERE position >= ? ORDER BY position LIMIT 1',
  );
  const first = readBase(db);
  let [low, high] = [Math.max(0, first - 1), last];
  // The clock of a log never runs backwards (kernel section 1), so its positions can be searched by halves.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const found = atOrAfter.raw().get(middle);
    if (found === undefined || found[0] > high || found[1] > time) high = middle - 1;
    else low = found[0];
  }
  return low;
}
