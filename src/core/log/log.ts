/**
 * The seam of the event log. Two implementations, `sqlite` and `memory`, pass one contract suite
 * (test/contract/event-log.ts). The loop assigns positions; the log only stores and reads.
 */
import type { EventType, TurnoutEvent } from '../events.ts';
import type { ModelId, Position, RequestKey } from '../ids.ts';
import type { State } from '../state.ts';

export interface LogQuery {
  /** First position, inclusive. Default: the first one kept. */
  from?: Position;
  /** Last position, inclusive. Default: the last durable one. */
  to?: Position;
  types?: EventType[];
  model?: ModelId;
  request?: RequestKey;
  /** Events at or after this time (ms). */
  since?: number;
  /** At most this many; default 1,000. */
  limit?: number;
  /** Newest first. */
  reverse?: boolean;
}

export interface LogStatus {
  kind: 'sqlite' | 'memory';
  state: 'ok' | 'troubled';
  /** Stable code of the trouble (`disk-full`, `io-error`, `read-only`, `unlinked`, ...), null when ok. */
  code: string | null;
  message: string | null;
  /** Events in memory that are not durable yet. */
  pending: number;
  /** Events dropped since the trouble began. */
  lost: number;
  /** Path of the database, null for a memory log. */
  file: string | null;
}

export interface EventLog {
  /** Last position that is safe on disk (memory: stored). */
  readonly durable: Position;
  status(): LogStatus;
  /**
   * Hands over events whose positions follow the last ones without a gap. Returns at once. `urgent` commits now,
   * otherwise within `logBatchMs` or `logBatchEvents`. Never throws: trouble is reported by `onStatus`.
   */
  append(events: readonly TurnoutEvent[], urgent: boolean): void;
  /** Called after each commit with the new durable position. Returns the way to stop. */
  onDurable(listener: (durable: Position) => void): () => void;
  onStatus(listener: (status: LogStatus) => void): () => void;
  /** Reads durable events off the loop's thread, upcast to the current versions, in order. */
  read(query: LogQuery): Promise<TurnoutEvent[]>;
  /** Position of the `request.arrived` with this public id. */
  findRequest(id: string): Promise<RequestKey | null>;
  /** Keeps bytes under their hash (idempotent). */
  putBlob(hash: string, bytes: string): void;
  getBlob(hash: string): Promise<string | null>;
  /** Resolves when everything handed over so far is durable, or is known not to become so now (trouble). */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The past of a log. Folding happens off the loop's thread, from a snapshot on where there are any. */
export interface TimeTravel {
  /**
   * The state after a durable position, for the caller to own; 0 = before the first event. Rejects with TurnoutError:
   * 'not-found' (the log does not go back so far), 'bad-request' (it is not durable yet).
   */
  stateAt(position: Position): Promise<State>;
  /** The last durable position at or before a time (ms); the one before the first event when all came later. */
  positionAt(time: number): Promise<Position>;
}

/** How long events are kept. Whatever something open has its cause in stays. */
export interface Retention {
  /** 0 = for ever. */
  days: number;
  /** Above it the oldest leave; null = any size. */
  bytesMax: number | null;
}

/** What became of an order to let old events go. */
export interface Compaction {
  /** Where the log begins now: the position of a `log.rebased`, or of the event before the first one. */
  base: Position;
  /** Events that left. */
  events: number;
  /** Bytes by which the file became smaller. */
  freedBytes: number;
  /** Why it ended early, in which case it goes on by itself later; null = all is done. */
  stopped: string | null;
}

/** What a log needs beside being written. */
export interface LogUpkeep {
  /** Sets what is kept from now on. Old events leave at once when there are any, and later as they become old. */
  retain(retention: Retention): void;
  /** Lets old events go now and gives all free room back. `retention`: sets what is kept from now on, first. */
  compact(retention?: Retention): Promise<Compaction>;
  /** Resolves when every part of the log was proven since it was opened, or was given up for not being whole. */
  proven(): Promise<void>;
}

/** What `open` found. */
export interface OpenedLog {
  log: EventLog & TimeTravel;
  upkeep: LogUpkeep;
  /** Last position in the log; 0 when empty. */
  head: Position;
  /** Why the former file was moved aside, and where to; null in normal running. */
  replaced: { reason: string; movedTo: string } | null;
  /** Warnings for the operator, one line each. */
  warnings: string[];
}
