/**
 * The reader's thread: a read-only connection for jumps, explain and activity, so that no query ever runs on the loop's
 * thread (kernel section 1). For the command line it first proves the log whole. Must never write.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import { logFiles } from './log-files.ts';
import { inspectLog } from './sqlite-inspect.ts';
import type { FromReader, ReaderData, ReaderQuestion, ToReader } from './sqlite-messages.ts';
import { selectArrival, selectBlob, selectEvents } from './sqlite-select.ts';
import { troubleOf } from './sqlite-trouble.ts';

const port = parentPort!;
const { dir, verify } = workerData as ReaderData;
const files = logFiles(dir);
let open: Database.Database | null = null;

port.on('message', ({ id, ask }: ToReader) => {
  const reply = (message: FromReader) => port.postMessage(message);
  try {
    reply({ id, ok: true, answer: answer(ask) });
  } catch (error) {
    const { code, message } = explained(error);
    reply({ id, ok: false, code, message });
  }
});

function answer(ask: ReaderQuestion): string | number | null {
  switch (ask.kind) {
    case 'open':
      return proven();
    case 'read':
      return selectEvents(connection(), ask.query);
    case 'find':
      return selectArrival(connection(), ask.id, ask.to);
    case 'blob':
      return selectBlob(connection(), ask.hash);
    case 'reopen':
      open?.close();
      open = null;
      return null;
  }
}

function connection(): Database.Database {
  open ??= new Database(files.database, { readonly: true, timeout: 1_000 });
  return open;
}

/** Reads the whole log; from then on its last position is known. */
function proven(): number {
  if (!verify) return 0;
  const found = inspectLog(files);
  if (found.kind === 'none') {
    throw new TurnoutError('not-found', `read the event log in "${dir}": expected "events.db", got no such file`);
  }
  if (found.kind === 'unusable') {
    const message = `read the event log "${files.database}": expected a whole one, got ${found.reason}: ${found.detail}`;
    throw new TurnoutError('log-damaged', message);
  }
  open = found.reader;
  return found.last.position;
}

/** After an error the connection is opened anew; a passing trouble must not stay with it. */
function explained(error: unknown): { code: string; message: string } {
  open?.close();
  open = null;
  if (error instanceof TurnoutError) return error;
  const trouble = troubleOf(error);
  const code = trouble.remedy === 'abandon' ? 'log-damaged' : 'log-unavailable';
  return { code, message: `read the event log "${files.database}": ${trouble.code}: ${trouble.message}` };
}
