/**
 * The questions that are asked of a log, as SQL on a read-only connection. Each is one statement that is read to its end
 * at once: a reader that stays open keeps the write-ahead file from being folded in. Must never write.
 */
import type Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import { rowToJson } from './codec.ts';
import type { FullQuery } from './query.ts';
import { blobCheck } from './sqlite-chain.ts';
import { readBase } from './sqlite-root.ts';

/** Positions looked through at a time, newest first, when a request is looked for. */
const FIND_ROWS = 10_000;

/** The events asked for, as the text of a JSON array: the loop's thread parses one string and nothing else. */
export function selectEvents(db: Database.Database, query: FullQuery): string {
  const { where, values } = conditions({ ...query, from: Math.max(query.from, readBase(db)) });
  const order = query.reverse ? 'DESC' : 'ASC';
  const sql = `SELECT * FROM events WHERE ${where.join(' AND ')} ORDER BY position ${order} LIMIT ?`;
  const rows = db
    .prepare<unknown[], Row>(sql)
    .raw()
    .all(...values, query.limit);
  return `[${rows.map(rowToJson).join(',')}]`;
}

/**
 * The position of a request's arrival, or null. Looks through the events, newest first: it takes 0.2 s for the oldest of
 * a million events, and random ids in an index would touch a page of it for every request that is written.
 */
export function selectArrival(db: Database.Database, id: string, to: Position): Position | null {
  const first = readBase(db);
  const find = db
    .prepare<[number, number, string, string], number>(
      `SELECT position FROM events WHERE position > ? AND position <= ? AND type = 'request.arrived'
       AND instr(data, ?) > 0 AND json_extract(data, '$.id') = ? ORDER BY position DESC LIMIT 1`,
    )
    .pluck();
  const quoted = JSON.stringify(id);
  for (let last = to; last >= first; last -= FIND_ROWS) {
    const found = find.get(Math.max(last - FIND_ROWS, first - 1), last, quoted, id);
    if (found !== undefined) return found;
  }
  return null;
}

/** The bytes of a blob, or null. Throws TurnoutError('log-damaged') when they are not those that were stored. */
export function selectBlob(db: Database.Database, hash: string): string | null {
  const found = db.prepare<[string], [string, string]>('SELECT bytes, proof FROM blobs WHERE hash = ?').raw().get(hash);
  if (found === undefined) return null;
  const [bytes, proof] = found;
  if (blobCheck(hash, bytes) === proof) return bytes;
  throw new TurnoutError('log-damaged', `read blob "${hash}": expected the bytes that were stored, got others`);
}

function conditions(query: FullQuery): { where: string[]; values: unknown[] } {
  const where = ['position >= ?', 'position <= ?'];
  const values: unknown[] = [query.from, query.to];
  if (query.since !== null) add('at >= ?', query.since);
  if (query.types !== null) add(`type IN (${query.types.map(() => '?').join(', ')})`, ...query.types);
  if (query.model !== null) add('model = ?', query.model);
  if (query.request !== null) {
    // Named as a set of positions, so that the index on `request` is used and not the order.
    add('position IN (SELECT position FROM events WHERE request = ? UNION SELECT ?)', query.request, query.request);
    add("(request = ? OR type = 'request.arrived')", query.request);
  }
  return { where, values };

  function add(condition: string, ...bound: unknown[]): void {
    where.push(condition);
    values.push(...bound);
  }
}
