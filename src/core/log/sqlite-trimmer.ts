/**
 * The steps by which events leave a log: it is rooted anew in one transaction, from then on what lies below its base is no
 * part of it; those rows are taken away in small transactions, and pages given back. A kill between any two of them leaves
 * a whole log. Must never delete above the base; the triggers of the file see to that, too.
 */
import type Database from 'better-sqlite3';
import type { Position } from '../ids.ts';
import type { Fault } from './sqlite-fault.ts';
import { type Room, roomOf } from './sqlite-retention.ts';
import { moveRoot, type Origin, readBase } from './sqlite-root.ts';
import { hashAt } from './sqlite-verify.ts';

export interface Trimmer {
  base(): Position;
  /** Whether rows are left below the base: a kill came in between. */
  unfinished(): boolean;
  /** False, and nothing is done, when no commit of this log ends there or the log begins later already. */
  root(origin: Origin): boolean;
  /** Takes away about so many of the rows below the base. Returns how many events went; 0 = none is left. */
  drop(rows: number): number;
  /** Gives so many free pages back to the system; null = all. */
  giveBack(pages: number | null): void;
  room(): Room;
}

export function createTrimmer(db: Database.Database, fault: Fault): Trimmer {
  const lowest = db.prepare<[], number | null>('SELECT min(position) FROM events').pluck();
  const dropEvents = db.prepare('DELETE FROM events WHERE position < ?');
  const dropCommits = db.prepare('DELETE FROM commits WHERE last < ?');
  const dropSnapshots = db.prepare('DELETE FROM snapshots WHERE position < ?');

  return {
    base: () => readBase(db),
    unfinished: () => (lowest.get() ?? Number.POSITIVE_INFINITY) < readBase(db),
    root(origin) {
      fault.beforeTrimStep();
      const { position, hash } = origin.base;
      if (position <= readBase(db) || hashAt(db, position) !== hash) return false;
      db.transaction(() => moveRoot(db, origin)).immediate();
      return true;
    },
    drop(rows) {
      fault.beforeTrimStep();
      const base = readBase(db);
      const first = lowest.get() ?? base;
      if (first >= base) return 0;
      const upTo = Math.min(first + rows, base);
      const dropped = db.transaction(() => {
        dropCommits.run(upTo);
        dropSnapshots.run(upTo);
        return dropEvents.run(upTo).changes;
      });
      return dropped.immediate();
    },
    giveBack(pages) {
      fault.beforeTrimStep();
      db.pragma(pages === null ? 'incremental_vacuum' : `incremental_vacuum(${pages})`);
    },
    room: () => roomOf(db),
  };
}
