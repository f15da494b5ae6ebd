/**
 * How one event is written down: a line of eight fields between tabs. JSON escapes every control character, so neither a
 * tab nor a newline can stand inside a field, and the text of a batch is at once what crosses to the writer and what is
 * hashed. Must never touch a file, a clock or a thread.
 */
import { TurnoutError } from '../errors.ts';
import type { EventType, TurnoutEvent } from '../events.ts';
import { VERSION } from '../events.ts';
import type { Position } from '../ids.ts';
import { UPCASTERS, upcast } from './upcast.ts';

/** One stored event, in the order of the columns of `events`. `data` is JSON text. */
export type Row = readonly [
  position: Position,
  at: number,
  type: string,
  version: number,
  model: string | null,
  request: number | null,
  cause: number | null,
  data: string,
];

/** What lies between two lines of a batch. */
export const LINE_END = '\n';

/**
 * The line of an event. Throws TurnoutError('internal') for what no implementation could store and read back: the check
 * is here, on the way in, because a row that the writer refuses would hold up every row behind it.
 */
export function encodeEvent(event: TurnoutEvent): string {
  const { position, at, type, version } = event;
  if (!(Number.isSafeInteger(position) && position > 0)) throw unstorable(event, 'position', position);
  if (!Number.isFinite(at)) throw unstorable(event, 'at', at);
  const known = VERSION[type];
  if (typeof known !== 'number') throw unstorable(event, 'type', type); // `toString` and the like are found, too
  if (!(Number.isSafeInteger(version) && version >= 1 && version <= known)) throw unstorable(event, 'version', version);
  const data = JSON.stringify(event.data);
  if (typeof data !== 'string') throw unstorable(event, 'data', typeof event.data);
  const model = event.model === undefined ? '' : JSON.stringify(event.model.toWellFormed());
  // Joined and not concatenated: a line waits for its commit, and a concatenation is kept as a tree of its pieces, which
  // every collection of young garbage walks and copies.
  return [position, at, type, version, model, link(event, 'request'), link(event, 'cause'), data].join('\t');
}

/** The line of a stored row; the same text that `encodeEvent` made, or else the row is not what was stored. */
export function rowToLine(row: Row): string {
  const [position, at, type, version, model, request, cause, data] = row;
  const name = model === null ? '' : JSON.stringify(model);
  return `${position}\t${at}\t${type}\t${version}\t${name}\t${request ?? ''}\t${cause ?? ''}\t${data}`;
}

/** Takes a line of `encodeEvent` apart. */
export function lineToRow(line: string): Row {
  const [position, at, type, version, model, request, cause, data] = line.split('\t');
  return [
    Number(position),
    Number(at),
    type ?? '',
    Number(version),
    model ? (JSON.parse(model) as string) : null,
    request ? Number(request) : null,
    cause ? Number(cause) : null,
    data ?? '',
  ];
}

/** The position a line begins with. */
export const positionOf = (line: string): Position => Number.parseInt(line, 10);

/** A row as the fold takes it, upcast to the current version. `cause` is left out, for the fold does not look at it. */
export function rowToFold(row: Row): TurnoutEvent {
  return toFold(row, JSON.parse(row[7]));
}

/** Many of them; parsing their data in one go takes a fifth less. Throws what JSON.parse throws. */
export function rowsToFold(rows: readonly Row[]): TurnoutEvent[] {
  const all = JSON.parse(`[${rows.map((row) => row[7]).join(',')}]`) as unknown[];
  // text that is no JSON on its own may be some together with its neighbours
  if (all.length !== rows.length) return rows.map(rowToFold);
  return rows.map((row, index) => toFold(row, all[index]));
}

function toFold([position, at, type, stored, model, request]: Row, storedData: unknown): TurnoutEvent {
  let version = stored;
  let data = storedData;
  if (stored < (VERSION[type as EventType] ?? 0)) ({ version, data } = upcast(type, stored, data, UPCASTERS));
  const event = { position, at, type, version, data } as Record<string, unknown>;
  if (model !== null) event['model'] = model;
  if (request !== null) event['request'] = request;
  return event as unknown as TurnoutEvent;
}

/** A row as JSON text of a `TurnoutEvent`, upcast to the current version. `data` is only parsed when it must change. */
export function rowToJson(row: Row): string {
  const [position, at, type, stored, model, request, cause, text] = row;
  let version = stored;
  let data = text;
  if (version < (VERSION[type as EventType] ?? 0)) {
    const current = upcast(type, stored, JSON.parse(text), UPCASTERS);
    version = current.version;
    data = JSON.stringify(current.data);
  }
  const named = model === null ? '' : `"model":${JSON.stringify(model)},`;
  const asked = request === null ? '' : `"request":${request},`;
  const caused = cause === null ? '' : `"cause":${cause},`;
  const head = `"position":${position},"at":${at},"type":${JSON.stringify(type)},"version":${version}`;
  return `{${head},${named}${asked}${caused}"data":${data}}`;
}

function link(event: TurnoutEvent, field: 'request' | 'cause'): string {
  const value = event[field];
  if (value === undefined) return '';
  if (!Number.isSafeInteger(value)) throw unstorable(event, field, value);
  return String(value);
}

function unstorable(event: TurnoutEvent, field: string, value: unknown): TurnoutError {
  return new TurnoutError('internal', `store event ${event.position} "${event.type}": ${field} cannot be "${value}"`);
}
