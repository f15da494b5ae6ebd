/**
 * The reader's thread: a read-only connection for jumps, explain and activity, so that no query ever runs on the loop's
 * thread (kernel section 1). It also folds: states for snapshots and for the base of a log. For the command line it first
 * proves the log whole. Must never write.
 */
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import { encodeState } from '../state-codec.ts';
import type { Link } from './sqlite-chain.ts';
import { foldRows, positionAt, stateAt } from './sqlite-fold.ts';
import { inspectLog, type Unusable } from './sqlite-inspect.ts';
import type { FromReader, ReaderData, ReaderQuestion, ToReader } from './sqlite-messages.ts';
import { chooseCut, commitFrom } from './sqlite-retention.ts';
import { readBase } from './sqlite-root.ts';
import { selectArrival, selectBlob, selectEvents } from './sqlite-select.ts';
import { makeSnapshot, type Snapshot } from './sqlite-snapshots.ts';
import { troubleOf } from './sqlite-trouble.ts';

const port = parentPort!;
const { files, verify } = workerData as ReaderData;
let open: Database.Database | null = null;
/** The state at the last snapshot, from which the next one is folded. */
let folded: State | null = null;
let warnings: string[] = [];
const warned = new Set<string>();

port.on('message', ({ id, ask }: ToReader) => {
  const reply = (message: FromReader) => port.postMessage(message);
  warnings = [];
  try {
    reply({ id, ok: true, answer: answer(ask), warnings });
  } catch (error) {
    const { code, message } = explained(error);
    reply({ id, ok: false, code, message });
  }
});

function answer(ask: ReaderQuestion): Extract<FromReader, { ok: true }>['answer'] {
  switch (ask.kind) {
    case 'open':
      return proven();
    case 'inspect':
      return unusable();
    case 'read':
      return selectEvents(connection(), ask.query);
    case 'find':
      return selectArrival(connection(), ask.id, ask.to);
    case 'blob':
      return selectBlob(connection(), ask.hash);
    case 'state':
      return encodeState(stateAt(connection(), ask.position, warnOnce));
    case 'when':
      return positionAt(connection(), ask.time, ask.to);
    case 'snapshot':
      return snapshot(connection(), ask.after, ask.atOrAfter);
    case 'cut':
      return chooseCut(connection(), ask.wish, ask.to);
    case 'reopen':
      close();
      return null;
  }
}

function connection(): Database.Database {
  open ??= new Database(files.database, { readonly: true, timeout: 1_000 });
  return open;
}

function close(): void {
  open?.close();
  open = null;
  folded = null;
}

function snapshot(db: Database.Database, after: Position, atOrAfter: Position): Snapshot | null {
  const link = commitFrom(db, atOrAfter);
  if (link === null) return null;
  const from = Math.max(after, readBase(db));
  const usable = folded !== null && folded.position >= from && folded.position <= link.position;
  const state = usable && folded !== null ? folded : stateAt(db, from, warnOnce);
  folded = null;
  foldRows(db, state, link.position);
  folded = state;
  return makeSnapshot(link, state);
}

function warnOnce(text: string): void {
  if (warned.has(text)) return;
  warned.add(text);
  warnings.push(text);
}

const REPLACE =
  'the next start of turnout moves it aside untouched and begins a new one, and "turnout log restore FILE" puts a backup in its place';

const REMEDY: { readonly [reason: string]: string | undefined } = {
  newer: 'read it with the turnout that wrote it, or a later one',
  foreign: 'name another state directory with --state-dir',
};

/** Reads the whole log; from then on its end is known. */
function proven(): Link {
  if (!verify) throw new TurnoutError('internal', 'prove the event log: this reader is not asked to');
  const found = inspectLog(files);
  if (found.kind === 'none') {
    const expected = `expected "${basename(files.database)}", got no such file`;
    throw new TurnoutError('not-found', `read the event log in "${files.dir}": ${expected}`);
  }
  if (found.kind === 'unusable') {
    const message = `read the event log "${files.database}": expected a whole one, got ${found.reason}: ${found.detail}; ${REMEDY[found.reason] ?? REPLACE}`;
    throw new TurnoutError('log-damaged', message);
  }
  open = found.reader;
  for (const text of found.warnings) warnOnce(text);
  return found.last;
}

function unusable(): Unusable | null {
  const found = inspectLog(files);
  if (found.kind === 'sound') found.reader.close();
  return found.kind === 'unusable' ? found : null;
}

/** After an error the connection is opened anew; a passing trouble must not stay with it. */
function explained(error: unknown): { code: string; message: string } {
  close();
  if (error instanceof TurnoutError) return error;
  const trouble = troubleOf(error);
  const code = trouble.remedy === 'abandon' ? 'log-damaged' : 'log-unavailable';
  return { code, message: `read the event log "${files.database}": ${trouble.code}: ${trouble.message}` };
}
