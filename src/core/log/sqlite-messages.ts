/**
 * What the log and its two threads say to each other. Must never hold more than plain values.
 */
import type { Position } from '../ids.ts';
import type { Compaction } from './log.ts';
import type { LogFiles } from './log-files.ts';
import type { LogLimits } from './log-limits.ts';
import type { FullQuery } from './query.ts';
import type { Link } from './sqlite-chain.ts';
import type { LogFault } from './sqlite-fault.ts';
import type { Unusable } from './sqlite-inspect.ts';
import type { CutWish } from './sqlite-retention.ts';
import type { Origin } from './sqlite-root.ts';
import type { Snapshot } from './sqlite-snapshots.ts';
import type { StoreBatch } from './sqlite-store.ts';
import type { TrimWish } from './sqlite-trim-job.ts';

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

export type ToWriter =
  | { type: 'commit'; batch: StoreBatch }
  | { type: 'close' }
  /** To be kept when there is a file to keep it in; nothing is lost with it. */
  | { type: 'snapshot'; snapshot: Snapshot }
  /** Root the log anew, take away what lies below, and give room back. */
  | { type: 'trim'; wish: TrimWish }
  /** The file was found to be damaged: move it aside and go on in a new one. */
  | { type: 'condemn'; reason: string; detail: string };

export type FromWriter =
  | { type: 'opened'; last: Position; replaced: Replaced | null; warnings: string[]; extent: Extent }
  /** It cannot be opened now; the writer ends. `code` is an `ErrorCode`. */
  | { type: 'refused'; code: string; message: string }
  | { type: 'committed'; last: Position }
  /** The batch is not stored. `again`: what was in the way was removed, try at once. */
  | { type: 'failed'; code: string; message: string; again: boolean }
  /** The same, found while no batch was being written. */
  | { type: 'troubled'; code: string; message: string; again: boolean }
  | { type: 'replaced'; reason: string; movedTo: string }
  /** Another file with the same contents stands in the place of the database now. */
  | { type: 'rebuilt'; extent: Extent }
  | { type: 'warning'; text: string }
  /** Or could not be kept: the next one follows all the same. `bytes`: what the log takes now. */
  | { type: 'snapshot-kept'; bytes: number }
  | { type: 'trimmed'; result: Compaction }
  | { type: 'closed' };

/** A log that was given up. */
export interface Replaced {
  reason: string;
  movedTo: string;
}

/** What is known of a log that was opened. */
export interface Extent {
  /** Whether all of it was read. */
  whole: boolean;
  /** Where the newest snapshot stands, or the base when there is none. */
  snapshot: Position;
  /** Whether events that have left still take room. */
  unfinished: boolean;
}

/** `workerData` of the reader. */
export interface ReaderData {
  files: LogFiles;
  /** Read the whole log before anything else and refuse a damaged one; without it the writer has done so. */
  verify: boolean;
}

/** What the reader can be asked, and what it answers. */
export interface ReaderQuestions {
  /** Proves the log. Answers its end. */
  open: { ask: object; answer: Link };
  /** Why it is not whole; null when it is. */
  inspect: { ask: object; answer: Unusable | null };
  /** Answers a JSON array of events. */
  read: { ask: { query: FullQuery }; answer: string };
  find: { ask: { id: string; to: Position }; answer: Position | null };
  blob: { ask: { hash: string }; answer: string | null };
  /** Answers the text of the state after a position. */
  state: { ask: { position: Position }; answer: string };
  /** The last position at or before a time. */
  when: { ask: { time: number; to: Position }; answer: Position };
  /** The state at the end of the first commit that reaches so far, folded from what stands at `after`; null = none does. */
  snapshot: { ask: { after: Position; atOrAfter: Position }; answer: Snapshot | null };
  /** What the log is to begin with so that what is not wanted any more leaves; null when nothing has to. */
  cut: { ask: { wish: CutWish; to: Position }; answer: Origin | null };
  /** The file in the place of the log is another one now. */
  reopen: { ask: object; answer: null };
}

export type ReaderKind = keyof ReaderQuestions;

export type ReaderQuestion = { [K in ReaderKind]: { kind: K } & ReaderQuestions[K]['ask'] }[ReaderKind];

export type ToReader = { id: number; ask: ReaderQuestion };

export type FromReader =
  | { id: number; ok: true; answer: ReaderQuestions[ReaderKind]['answer']; warnings: string[] }
  | { id: number; ok: false; code: string; message: string };
