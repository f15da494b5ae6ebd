/**
 * What the log and its two threads say to each other. Must never hold more than plain values.
 */
import type { Position } from '../ids.ts';
import type { LogLimits } from './log-limits.ts';
import type { FullQuery } from './query.ts';
import type { LogFault } from './sqlite-fault.ts';
import type { StoreBatch } from './sqlite-store.ts';

/** `workerData` of the writer. */
export interface WriterData {
  dir: string;
  /** Where a log begins that has to be made. */
  base: Position;
  limits: LogLimits;
  fault: LogFault | null;
  /** Number of commits tried, over all writers of this log. */
  counter: Int32Array;
}

export type ToWriter = { type: 'commit'; batch: StoreBatch } | { type: 'close' };

export type FromWriter =
  | { type: 'opened'; last: Position; replaced: { reason: string; movedTo: string } | null; warnings: string[] }
  /** It cannot be opened now; the writer ends. `code` is an `ErrorCode`. */
  | { type: 'refused'; code: string; message: string }
  | { type: 'committed'; last: Position }
  /** The batch is not stored. `again`: what was in the way was removed, try at once. */
  | { type: 'failed'; code: string; message: string; again: boolean }
  /** The same, found while no batch was being written. */
  | { type: 'troubled'; code: string; message: string; again: boolean }
  | { type: 'replaced'; reason: string; movedTo: string }
  /** Another file with the same contents stands in the place of the database now. */
  | { type: 'rebuilt' }
  | { type: 'warning'; text: string }
  | { type: 'closed' };

/** `workerData` of the reader. */
export interface ReaderData {
  dir: string;
  /** Read the whole log before anything else and refuse a damaged one; without it the writer has done so. */
  verify: boolean;
}

export type ReaderQuestion =
  | { kind: 'open' }
  | { kind: 'read'; query: FullQuery }
  | { kind: 'find'; id: string; to: Position }
  | { kind: 'blob'; hash: string }
  /** The file in the place of the log is another one now. */
  | { kind: 'reopen' };

export type ToReader = { id: number; ask: ReaderQuestion };

/** `open` answers the last position, `read` a JSON array of events, `find` a position, `blob` the text. */
export type FromReader =
  | { id: number; ok: true; answer: string | number | null }
  | { id: number; ok: false; code: string; message: string };
