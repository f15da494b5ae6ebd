/**
 * What an export file holds: lines of JSON, compressed. The first says what it is, then comes the state that the slice
 * begins with, then events with what they refer to, and last a line with counts and hashes, without which the file is not
 * whole. A change that older turnouts cannot read raises the number of the format.
 */
import { TurnoutError } from '../errors.ts';
import type { TurnoutEvent } from '../events.ts';
import type { Position } from '../ids.ts';

export const EXPORT_FORMAT = 1;

export interface ExportHeader {
  turnoutExport: number;
  /** Version of the turnout that wrote it. */
  turnout: string;
  /** ms since 1970. */
  exportedAt: number;
  /** Position of the state that the slice begins with; 0 = the log from its first event on. */
  base: Position;
  /** Position of the last event. */
  head: Position;
  /** Clients, sessions and places have other names. */
  redacted: boolean;
  /** Models have numbers for names. */
  relabelled: boolean;
}

export interface ExportEnd {
  /** Events, without the state at the base. */
  events: number;
  requests: number;
  decisions: number;
  models: number;
  blobs: number;
  /** Times of the first and the last event, ms; null when there is none. */
  from: number | null;
  to: number | null;
  /** Version of the shape of the state, and the hash of the state at the head as `encodeState` writes it. */
  stateVersion: number;
  stateHash: string;
  /** SHA-256 over all lines before this one, each with its end. */
  sha256: string;
}

/** A line of the file: exactly one of these. */
export type ExportLine =
  | { header: ExportHeader }
  | { event: TurnoutEvent }
  | { blob: { hash: string; text: string } }
  | { end: ExportEnd };

export const writeLine = (line: ExportLine): string => `${JSON.stringify(line)}\n`;

/** Throws TurnoutError('log-damaged') for what no turnout wrote. */
export function readLine(text: string, file: string): ExportLine {
  try {
    const line = JSON.parse(text) as unknown;
    if (isObject(line) && Object.entries(SHAPES).some(([kind, fits]) => fits(line[kind]))) {
      return line as unknown as ExportLine;
    }
  } catch {
    // not JSON: said below
  }
  throw damaged(file, `a line that is none of its own: ${text.slice(0, 60)}`);
}

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === 'string';
const isAbsentOr = (fits: (value: unknown) => boolean, value: unknown): boolean => value === undefined || fits(value);

/** What each kind of line holds, as far as something is done with it before the sum at the end is known to be right. */
const SHAPES: Record<'event' | 'blob' | 'end', (held: unknown) => boolean> = {
  event: (held) =>
    isObject(held) &&
    [held['position'], held['version']].every(isCount) &&
    Number.isFinite(held['at']) &&
    isText(held['type']) &&
    isAbsentOr(isText, held['model']) &&
    [held['request'], held['cause']].every((link) => isAbsentOr(isCount, link)) &&
    isObject(held['data']),
  blob: (held) => isObject(held) && isText(held['hash']) && isText(held['text']),
  end: (held) => isObject(held) && isCount(held['events']) && isCount(held['blobs']) && isText(held['sha256']),
};

/** Throws TurnoutError: 'usage' (it is something else), 'log-damaged' (a newer turnout wrote it). */
export function readHeader(text: string, file: string): ExportHeader {
  let header: Partial<ExportHeader> | undefined;
  try {
    header = (JSON.parse(text) as { header?: Partial<ExportHeader> }).header;
  } catch {
    // not JSON: said below
  }
  const format = header?.turnoutExport;
  if (typeof format !== 'number') throw foreign(file);
  if (format > EXPORT_FORMAT) {
    const got = `format ${format} of turnout ${header?.turnout}`;
    throw new TurnoutError('log-damaged', `open "${file}": expected an export of format ${EXPORT_FORMAT}, got ${got}`);
  }
  if (!isCount(header?.base) || !isCount(header?.head)) throw damaged(file, 'a header without its range');
  return header as ExportHeader;
}

export const foreign = (file: string): TurnoutError =>
  new TurnoutError(
    'usage',
    `open "${file}": expected an export or a backup, as "turnout export" and "turnout log backup" write them`,
  );

export const damaged = (file: string, got: string): TurnoutError =>
  new TurnoutError('log-damaged', `read the export "${file}": expected a whole one, got ${got}`);
