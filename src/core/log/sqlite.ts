/**
 * The log on disk, seen from the loop's thread: a lock, a writer's thread and a reader's thread behind the seam of
 * log.ts. Must never wait for the disk, and must never throw out of `append`.
 */
import { accessSync, constants, mkdirSync, realpathSync } from 'node:fs';
import { TurnoutError } from '../errors.ts';
import type { TurnoutEvent } from '../events.ts';
import type { Position } from '../ids.ts';
import { requestKey } from '../ids.ts';
import { decodeState } from '../state-codec.ts';
import { encodeEvent } from './codec.ts';
import { createListeners } from './listeners.ts';
import type { EventLog, LogStatus, OpenedLog, TimeTravel } from './log.ts';
import { logFiles, stateDirError } from './log-files.ts';
import { type LogLimits, logLimits } from './log-limits.ts';
import { checkPosition, mustBeOpen, outOfOrder } from './log-misuse.ts';
import { fullQuery } from './query.ts';
import type { LogFault } from './sqlite-fault.ts';
import { createFeed, type Feed } from './sqlite-feed.ts';
import { type InstanceLock, takeLock } from './sqlite-lock.ts';
import type { Replaced } from './sqlite-messages.ts';
import { createOutbox, type Outbox } from './sqlite-outbox.ts';
import { createReaderClient, type ReaderClient } from './sqlite-reader-client.ts';
import { createUpkeep, type Upkeep } from './sqlite-upkeep.ts';

export interface SqliteLogOptions {
  /** State directory; made when it is missing. The log is `events.db` in it. */
  dir: string;
  limits?: Partial<LogLimits>;
  /** One line for the operator. Default: a process warning. */
  onWarning?: (text: string) => void;
  /** The file was given up while running, and a new one begun with what was not durable yet. */
  onReplaced?: (replaced: Replaced) => void;
  /** Wall clock in ms, by which events become old. Default: the system's. */
  now?: () => number;
  /** For tests only. */
  fault?: LogFault;
}

/**
 * Opens the log of a state directory and proves it whole, or moves aside what is not and begins a new one. Rejects with
 * TurnoutError: 'state-dir' (the directory cannot be written; a memory log still can), 'log-locked' (another turnout has
 * it), 'log-unavailable' (this SQLite is not to be trusted).
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<OpenedLog> {
  const dir = prepareDir(options.dir);
  const limits = logLimits(options.limits);
  const warn = options.onWarning ?? ((text: string) => process.emitWarning(text));
  const lock = takeLock(dir);
  const durable = createListeners<Position>();
  const changed = createListeners<LogStatus>();
  const outbox = createOutbox(limits.logPendingEventsMax, limits.logPendingBytesMax);
  const reader = createReaderClient({ files: logFiles(dir), verify: false }, warn);
  const stored = new Set<string>();
  const feed: Feed = createFeed({
    data: { dir, limits, fault: options.fault ?? null, counter: new Int32Array(new SharedArrayBuffer(4)) },
    limits,
    outbox,
    onDurable: () => {
      durable.tellSoon(() => feed.durable);
      upkeep.grown();
    },
    onStatus: () => changed.tellSoon(() => statusOf(feed, outbox, dir)),
    onReplaced: (replaced) => {
      stored.clear();
      warn(`the event log was given up (${replaced.reason}); it is "${replaced.movedTo}" now, and a new one begins`);
      options.onReplaced?.(replaced);
    },
    onNewFile: () => {
      reader.newFile();
      upkeep.newFile();
    },
    onWarning: warn,
    onOpened: (extent) => upkeep.opened(extent),
    onAnswer: (message) => upkeep.answered(message),
    onGone: () => upkeep.writerGone(),
  });
  const upkeep: Upkeep = createUpkeep({
    dir,
    limits,
    reader,
    tell: (message) => feed.tell(message),
    durable: () => feed.durable,
    onWarning: warn,
    now: options.now ?? Date.now,
  });
  try {
    const { last, replaced, warnings } = await feed.open();
    const log = createLog({ dir, warn, lock, durable, changed, outbox, reader, stored, feed, upkeep, last });
    return { log, upkeep, head: last, replaced, warnings };
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Parts {
  dir: string;
  warn: (text: string) => void;
  lock: InstanceLock;
  durable: ReturnType<typeof createListeners<Position>>;
  changed: ReturnType<typeof createListeners<LogStatus>>;
  outbox: Outbox;
  reader: ReaderClient;
  /** Hashes of the blobs handed over; in no need of being sent again. */
  stored: Set<string>;
  feed: Feed;
  upkeep: Upkeep;
  last: Position;
}

function createLog(parts: Parts): EventLog & TimeTravel {
  const { dir, warn, lock, durable, changed, outbox, reader, stored, feed, upkeep } = parts;
  let { last } = parts;
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    await upkeep.close();
    // The reader first: the writer can fold in all of the write-ahead file only when nobody else reads it.
    await reader.close();
    await feed.close();
    lock.release();
  }

  return {
    get durable() {
      return feed.durable;
    },
    status: () => statusOf(feed, outbox, dir),
    append(events, urgent) {
      for (const event of events) {
        try {
          if (closing !== null) throw new TurnoutError('internal', `append event ${event.position}: the log is closed`);
          const line = encodeEvent(event);
          if (event.position <= last) throw outOfOrder(event.position, last);
          last = event.position;
          outbox.add(line);
        } catch (error) {
          outbox.drop();
          warn(error instanceof Error ? error.message : String(error));
          changed.tellSoon(() => statusOf(feed, outbox, dir));
        }
      }
      if (events.length > 0) feed.pushed(urgent);
    },
    onDurable: (listener) => durable.add(listener),
    onStatus: (listener) => changed.add(listener),
    async read(query) {
      mustBeOpen(closing !== null);
      return JSON.parse(await reader.ask({ kind: 'read', query: fullQuery(query, feed.durable) })) as TurnoutEvent[];
    },
    async findRequest(id) {
      mustBeOpen(closing !== null);
      const found = await reader.ask({ kind: 'find', id, to: feed.durable });
      return found === null ? null : requestKey(found);
    },
    async stateAt(position) {
      mustBeOpen(closing !== null);
      checkPosition(position, feed.durable);
      return decodeState(await reader.ask({ kind: 'state', position }));
    },
    async positionAt(time) {
      mustBeOpen(closing !== null);
      return reader.ask({ kind: 'when', time, to: feed.durable });
    },
    putBlob(hash, bytes) {
      if (closing !== null || stored.has(hash)) return;
      stored.add(hash);
      outbox.addBlob(hash, bytes.toWellFormed());
      feed.pushed(false);
    },
    async getBlob(hash) {
      mustBeOpen(closing !== null);
      const waiting = outbox.blob(hash);
      if (waiting !== null) return waiting;
      return reader.ask({ kind: 'blob', hash });
    },
    flush: () => feed.flush(),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function statusOf({ trouble }: Feed, outbox: Outbox, dir: string): LogStatus {
  return {
    kind: 'sqlite',
    state: trouble === null ? 'ok' : 'troubled',
    code: trouble?.code ?? null,
    message: trouble?.message ?? null,
    pending: outbox.pending,
    lost: outbox.lost,
    file: logFiles(dir).database,
  };
}

/** Makes the directory and returns its true path. Throws TurnoutError('state-dir'). */
function prepareDir(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK | constants.X_OK);
    return realpathSync(dir);
  } catch (cause) {
    throw stateDirError(`open the state directory "${dir}"`, cause);
  }
}
