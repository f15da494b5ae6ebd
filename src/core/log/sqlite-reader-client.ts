/**
 * The asking side of the reader's thread, which it starts with the first question. Must never leave a question without an
 * answer: when the thread dies, all that are open are refused, and the next one starts another.
 */
import type { Worker } from 'node:worker_threads';
import { type ErrorCode, STATUS_OF, TurnoutError } from '../errors.ts';
import type { FromReader, ReaderData, ReaderKind, ReaderQuestions, ToReader } from './sqlite-messages.ts';
import { startWorker } from './start-worker.ts';

type Ask<K extends ReaderKind> = { kind: K } & ReaderQuestions[K]['ask'];

export interface ReaderClient {
  /** Rejects with TurnoutError('log-unavailable', 'log-damaged', 'not-found'). */
  ask<K extends ReaderKind>(question: Ask<K>): Promise<ReaderQuestions[K]['answer']>;
  /** The file in the place of the log is another one now. */
  newFile(): void;
  close(): Promise<void>;
}

/** `onWarning`: one line for the operator, when the reader passed over something. */
export function createReaderClient(data: ReaderData, onWarning: (text: string) => void = () => {}): ReaderClient {
  let worker: Worker | null = null;
  let closed = false;
  let nextId = 1;
  const open = new Map<number, PromiseWithResolvers<unknown>>();

  function start(): Worker {
    const started = startWorker('sqlite-reader', data);
    let why = 'it ended';
    started.on('message', (message: FromReader) => {
      const asked = open.get(message.id);
      open.delete(message.id);
      if (message.ok) {
        for (const text of message.warnings) onWarning(text);
        asked?.resolve(message.answer);
      } else asked?.reject(new TurnoutError(errorCode(message.code), message.message));
    });
    started.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error);
    });
    started.on('exit', () => {
      worker = null;
      const error = () => new TurnoutError('log-unavailable', `read the event log: its reader is gone: ${why}`);
      for (const asked of open.values()) asked.reject(error());
      open.clear();
    });
    return started;
  }

  return {
    async ask<K extends ReaderKind>(question: Ask<K>): Promise<ReaderQuestions[K]['answer']> {
      if (closed) throw new TurnoutError('log-unavailable', 'read the event log: it was closed');
      worker ??= start();
      const id = nextId++;
      const asked = Promise.withResolvers<unknown>();
      open.set(id, asked);
      worker.postMessage({ id, ask: question } as ToReader);
      return asked.promise as Promise<ReaderQuestions[K]['answer']>;
    },
    newFile() {
      // Nobody waits for this one: should the thread die of it, the next question starts another, on the new file.
      if (worker !== null) worker.postMessage({ id: 0, ask: { kind: 'reopen' } } satisfies ToReader);
    },
    async close() {
      if (closed) return;
      closed = true;
      await worker?.terminate();
    },
  };
}

function errorCode(code: string): ErrorCode {
  return Object.hasOwn(STATUS_OF, code) ? (code as ErrorCode) : 'log-unavailable';
}
