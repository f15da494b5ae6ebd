/**
 * The loop's side of the writer: gathers events into batches, keeps one commit on its way, and brings the log back after
 * trouble (kernel sections 1 and 7). Runs on the loop's thread, so nothing here may block, and nothing may throw into
 * `append`.
 */
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, STATUS_OF, TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { LogLimits } from './log-limits.ts';
import type { Extent, FromWriter, Replaced, ToWriter, WriterData } from './sqlite-messages.ts';
import type { Outbox } from './sqlite-outbox.ts';
import { startWorker } from './start-worker.ts';

export interface FeedOptions {
  data: Omit<WriterData, 'base'>;
  limits: LogLimits;
  outbox: Outbox;
  onDurable: () => void;
  onStatus: () => void;
  onReplaced: (replaced: Replaced) => void;
  /** The file in the place of the log is another one now. */
  onNewFile: () => void;
  onWarning: (text: string) => void;
  /** The writer has opened a log, at the start or later. */
  onOpened: (extent: Extent) => void;
  /** What the writer says of orders that it was given through `tell`. */
  onAnswer: (message: UpkeepAnswer) => void;
  /** The writer is gone; orders that it did not answer are lost. */
  onGone: () => void;
}

export type UpkeepAnswer = Extract<FromWriter, { type: 'snapshot-kept' | 'trimmed' }>;

export interface Feed {
  readonly durable: Position;
  readonly trouble: { code: string; message: string } | null;
  /** Starts the writer. Rejects with TurnoutError('state-dir', 'log-unavailable') when no log can be opened. */
  open(): Promise<{ last: Position; replaced: Replaced | null; warnings: string[] }>;
  /** Call after handing something to the outbox. */
  pushed(urgent: boolean): void;
  /** Gives the writer an order beside the commits. False when there is no writer. */
  tell(message: ToWriter): boolean;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export function createFeed(options: FeedOptions): Feed {
  const { limits, outbox } = options;
  let worker: Worker | null = null;
  let durable: Position = 0;
  let trouble: Feed['trouble'] = null;
  /** The writer has opened the log and no answer is outstanding. */
  let ready = false;
  let due = false;
  let closing = false;
  let batchTimer: NodeJS.Timeout | null = null;
  let retryTimer: NodeJS.Timeout | null = null;
  let opening: PromiseWithResolvers<Extract<FromWriter, { type: 'opened' }>> | null = null;
  let ended = Promise.withResolvers<void>();
  let flushers: { target: number; resolve: () => void }[] = [];
  let restWaiters: (() => void)[] = [];

  function start(): void {
    const data: WriterData = { ...options.data, base: durable };
    const started = startWorker('sqlite-writer', data);
    let why: { code: string; message: string } | null = null;
    worker = started;
    ended = Promise.withResolvers<void>();
    started.on('message', (message: FromWriter) => {
      if (message.type === 'refused') why = message;
      (handlers[message.type] as (message: FromWriter) => void)(message);
    });
    started.on('error', (error) => {
      why = { code: 'writer-crashed', message: error instanceof Error ? error.message : String(error) };
    });
    started.on('exit', () => gone(why ?? { code: 'writer-crashed', message: 'the writer of the event log ended' }));
  }

  const handlers: { [T in FromWriter['type']]: (message: Extract<FromWriter, { type: T }>) => void } = {
    opened,
    refused: () => {}, // the writer ends after it: `gone` says why
    committed: ({ last }) => committed(last),
    failed(message) {
      ready = true;
      outbox.returned();
      failed(message, message.again);
    },
    troubled: (message) => failed(message, message.again),
    replaced(message) {
      options.onNewFile();
      options.onReplaced({ reason: message.reason, movedTo: message.movedTo });
    },
    rebuilt({ extent }) {
      options.onNewFile();
      options.onOpened(extent);
    },
    'snapshot-kept': options.onAnswer,
    trimmed: options.onAnswer,
    warning: ({ text }) => options.onWarning(text),
    closed: () => ended.resolve(),
  };

  function opened(message: Extract<FromWriter, { type: 'opened' }>): void {
    ready = true;
    if (opening !== null) {
      durable = message.last;
      opening.resolve(message);
      opening = null;
      options.onOpened(message.extent);
      return;
    }
    options.onNewFile();
    if (message.replaced !== null) options.onReplaced(message.replaced);
    for (const text of message.warnings) options.onWarning(text);
    reached(message.last);
    options.onOpened(message.extent);
    retry();
  }

  function committed(last: Position): void {
    ready = true;
    reached(last);
    const recovering = trouble !== null;
    // What was kept is all durable only when the outbox takes events again.
    if (recovering && !outbox.full) recovered();
    flushers = flushers.filter(({ target, resolve }) => {
      if (target <= outbox.settled) resolve();
      return target > outbox.settled;
    });
    if (due || recovering || flushers.length > 0) send();
    rested();
  }

  function recovered(): void {
    trouble = null;
    outbox.troubleEnds();
    if (retryTimer !== null) clearTimeout(retryTimer);
    retryTimer = null;
    options.onStatus();
  }

  function reached(last: Position): void {
    outbox.done(last);
    if (last <= durable) return;
    durable = last;
    options.onDurable();
  }

  function failed({ code, message }: { code: string; message: string }, again: boolean): void {
    enterTrouble(code, message);
    if (again) retry();
    else retryLater();
    rested();
  }

  function enterTrouble(code: string, message: string): void {
    outbox.troubleBegins();
    const same = trouble?.code === code;
    trouble = { code, message };
    for (const { resolve } of flushers) resolve();
    flushers = [];
    if (!same) options.onStatus();
  }

  function gone(why: { code: string; message: string }): void {
    worker = null;
    ready = false;
    outbox.returned();
    ended.resolve();
    options.onGone();
    if (opening !== null) {
      opening.reject(new TurnoutError(errorCode(why.code), why.message));
      opening = null;
      return;
    }
    if (!closing) failed(why, false);
    rested();
  }

  function retryLater(): void {
    if (closing) return;
    retryTimer ??= setTimeout(() => {
      retryTimer = null;
      retry();
    }, limits.logRetryMs);
  }

  /** Sends what waits, or a batch of nothing, to learn whether the log can be written again. */
  function retry(): void {
    if (worker === null) {
      if (!closing) start();
    } else if (ready) post(outbox.take() ?? { text: '', blobs: [] });
  }

  function send(): void {
    if (!ready) return;
    const batch = outbox.take();
    if (batch !== null) post(batch);
  }

  function post(batch: Extract<ToWriter, { type: 'commit' }>['batch']): void {
    if (batchTimer !== null) clearTimeout(batchTimer);
    batchTimer = null;
    due = false;
    ready = false;
    worker?.postMessage({ type: 'commit', batch } satisfies ToWriter);
  }

  function rested(): void {
    if (!ready && worker !== null) return;
    for (const resolve of restWaiters) resolve();
    restWaiters = [];
  }

  /** Resolves when no answer of the writer is outstanding. */
  function rest(): Promise<void> {
    if (ready || worker === null) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    restWaiters.push(resolve);
    return promise;
  }

  async function stop(): Promise<void> {
    closing = true;
    if (batchTimer !== null) clearTimeout(batchTimer);
    if (retryTimer !== null) clearTimeout(retryTimer);
    await rest();
    send(); // even in trouble: once more
    await rest();
    if (outbox.pending > 0) {
      const why = trouble === null ? '' : `: ${trouble.code}: ${trouble.message}`;
      options.onWarning(`close the event log: ${outbox.pending} events could not be written${why}`);
    }
    const last = worker;
    if (last === null) return;
    last.postMessage({ type: 'close' } satisfies ToWriter);
    await ended.promise;
    await last.terminate();
  }

  return {
    get durable() {
      return durable;
    },
    get trouble() {
      return trouble;
    },
    open() {
      opening = Promise.withResolvers();
      start();
      return opening.promise;
    },
    pushed(urgent) {
      if (closing) return;
      if (outbox.full && trouble === null) {
        enterTrouble('overflow', `${outbox.pending} events wait to be written, more are not kept`);
        retryLater();
      }
      if (trouble !== null) return;
      due ||= urgent || outbox.unsent >= limits.logBatchEvents;
      if (due) send();
      else {
        batchTimer ??= setTimeout(() => {
          batchTimer = null;
          due = true;
          send();
        }, limits.logBatchMs);
      }
    },
    tell(message) {
      worker?.postMessage(message);
      return worker !== null;
    },
    flush() {
      if (trouble !== null || outbox.settled >= outbox.handed) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      flushers.push({ target: outbox.handed, resolve });
      send();
      return promise;
    },
    close: stop,
  };
}

function errorCode(code: string): ErrorCode {
  return Object.hasOwn(STATUS_OF, code) ? (code as ErrorCode) : 'log-unavailable';
}
