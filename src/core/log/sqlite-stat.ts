/**
 * What a log takes and what it is made of, for people who wonder where the room goes. Reads beside a running turnout.
 * Must never prove anything: that takes seconds, and `verify` does it.
 */
import { lstatSync } from 'node:fs';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { readHead } from './head-file.ts';
import { logFiles, sizeOf, stateDirError } from './log-files.ts';
import { roomOf } from './sqlite-retention.ts';
import { readBase } from './sqlite-root.ts';
import { APPLICATION_ID, formatOf, MIGRATIONS, SNAPSHOTS_SINCE } from './sqlite-schema.ts';
import { FOLD_ID } from './sqlite-snapshots.ts';
import { isDamage } from './sqlite-trouble.ts';

/** Events read at a time, so that something can be said in between. */
const EVENTS_AT_ONCE = 100_000;

export interface LogStat {
  file: string;
  /** Sizes in bytes, as on the disk. */
  fileBytes: number;
  walBytes: number;
  format: number;
  events: number;
  /** Null in an empty log. Times are ms since 1970. */
  first: { position: Position; at: number } | null;
  last: { position: Position; at: number } | null;
  /** Position of the state that the log begins with, when events have left; null when none has. */
  rebasedAt: Position | null;
  /** Position that the head file names, or what is wrong with it. */
  head: Position | 'missing' | 'unreadable';
  commits: number;
  /** Events that have left and still take room. */
  leaving: number;
  /** `bytes`: of the data, without what the row and the indexes take. Largest first. */
  byType: { type: string; events: number; bytes: number }[];
  /** Tables and indexes with all their pages. Largest first. */
  byTable: { table: string; bytes: number }[];
  snapshots: { count: number; bytes: number; newest: Position | null; ofOtherFolds: number };
  /** Room in the file that holds nothing. */
  freeBytes: number;
}

/** Throws TurnoutError('not-found', 'log-damaged', 'state-dir'). */
export function statLog(dir: string, onProgress: (share: number) => void = () => {}): LogStat {
  const files = logFiles(dir);
  if (!lstatSync(files.database, { throwIfNoEntry: false })?.isFile()) {
    throw new TurnoutError('not-found', `read the event log in "${dir}": expected "events.db", got no such file`);
  }
  let db: Database.Database | null = null;
  try {
    db = new Database(files.database, { readonly: true, timeout: 1_000 });
    const format = formatOf(db);
    if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID || format > MIGRATIONS.length) {
      const message = `read the event log "${files.database}": it was not written by this turnout or an older one`;
      throw new TurnoutError('log-damaged', message);
    }
    const head = readHead(files.head);
    return {
      file: files.database,
      fileBytes: sizeOf(files.database),
      walBytes: sizeOf(files.wal),
      format,
      head: typeof head === 'string' ? head : head.position,
      ...eventsIn(db, onProgress),
      byTable: tablesIn(db),
      snapshots: snapshotsIn(db, format),
      freeBytes: roomOf(db).freeBytes,
    };
  } catch (error) {
    if (error instanceof TurnoutError) throw error;
    if (isDamage(error)) throw new TurnoutError('log-damaged', `read "${files.database}": ${(error as Error).message}`);
    throw stateDirError(`read "${files.database}"`, error);
  } finally {
    db?.close();
  }
}

type EventFigures = Pick<LogStat, 'events' | 'first' | 'last' | 'rebasedAt' | 'commits' | 'leaving' | 'byType'>;

function eventsIn(db: Database.Database, onProgress: (share: number) => void): EventFigures {
  const base = readBase(db);
  const ends = db.prepare<[number], [number, number]>(
    'SELECT position, at FROM events WHERE position >= ? ORDER BY position LIMIT 1',
  );
  const newest = db.prepare<[], [number, number]>('SELECT position, at FROM events ORDER BY position DESC LIMIT 1');
  const count = (sql: string) => db.prepare<[number], number>(sql).pluck().get(base) ?? 0;
  const [first, last] = [ends.raw().get(base), newest.raw().get()];
  const byType = typesIn(db, base, last?.[0] ?? 0, onProgress);
  return {
    events: byType.reduce((sum, one) => sum + one.events, 0),
    first: first === undefined ? null : { position: first[0], at: first[1] },
    last: last === undefined ? null : { position: last[0], at: last[1] },
    rebasedAt: base > 0 && first?.[0] === base ? base : null,
    commits: count('SELECT count(*) FROM commits WHERE last > ?'),
    leaving: count('SELECT count(*) FROM events WHERE position < ?'),
    byType,
  };
}

function typesIn(
  db: Database.Database,
  base: Position,
  last: Position,
  onProgress: (share: number) => void,
): LogStat['byType'] {
  const some = db.prepare<[number, number], [string, number, number]>(
    `SELECT type, count(*), sum(octet_length(data)) FROM events WHERE position >= ? AND position < ? GROUP BY type`,
  );
  const found = new Map<string, { type: string; events: number; bytes: number }>();
  for (let from = base; from <= last; from += EVENTS_AT_ONCE) {
    onProgress((from - base) / (last - base + 1));
    for (const [type, events, bytes] of some.raw().all(from, from + EVENTS_AT_ONCE)) {
      const sum = found.get(type) ?? { type, events: 0, bytes: 0 };
      found.set(type, { type, events: sum.events + events, bytes: sum.bytes + bytes });
    }
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes || b.events - a.events);
}

function tablesIn(db: Database.Database): LogStat['byTable'] {
  return db
    .prepare<[], [string, number]>('SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE ORDER BY pgsize DESC, name')
    .raw()
    .all()
    .map(([table, bytes]) => ({ table, bytes }));
}

function snapshotsIn(db: Database.Database, format: number): LogStat['snapshots'] {
  if (format < SNAPSHOTS_SINCE) return { count: 0, bytes: 0, newest: null, ofOtherFolds: 0 };
  const [count = 0, bytes = 0, newest = null, others = 0] =
    db
      .prepare<[number], [number, number, number | null, number]>(
        `SELECT count(*), coalesce(sum(octet_length(bytes)), 0), max(position), coalesce(sum(fold <> ?), 0)
         FROM snapshots`,
      )
      .raw()
      .get(FOLD_ID) ?? [];
  return { count, bytes, newest, ofOtherFolds: others };
}
