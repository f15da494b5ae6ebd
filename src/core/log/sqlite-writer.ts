/**
 * The writer's thread: it owns the only read-write connection, hashes, checkpoints when idle, watches that its file
 * stays in its place, and gets a broken file out of the way (kernel sections 1 and 7). Everything that blocks on the disk
 * blocks here. Must never acknowledge a batch before its COMMIT.
 */
import { mkdirSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { freeBallast, keepBallast } from './ballast.ts';
import type { HeadFile } from './head-file.ts';
import { openHead } from './head-file.ts';
import { logFiles, moveAside, rename, stateDirError } from './log-files.ts';
import type { Link } from './sqlite-chain.ts';
import { createCheckpoints } from './sqlite-checkpoints.ts';
import { CrashForTest, createFault } from './sqlite-fault.ts';
import type { FromWriter, ToWriter, WriterData } from './sqlite-messages.ts';
import { type OpenedStore, openStore } from './sqlite-open.ts';
import type { Snapshot } from './sqlite-snapshots.ts';
import type { Store, StoreBatch } from './sqlite-store.ts';
import { startTrim, type TrimJob, type TrimWish } from './sqlite-trim-job.ts';
import { troubleOf } from './sqlite-trouble.ts';

const port = parentPort!;
const { dir, limits, fault: faults, counter, base: firstBase } = workerData as WriterData;
const files = logFiles(dir);
const fault = createFault(faults, counter);

let store: Store | null = null;
let head: HeadFile | null = null;
/** How far the log reached when `store` was last open; `null` when the file that it was in is given up. */
let known: Link | null = null;
let base: Position = firstBase;
/** Why the file in our place must not be opened again, until it is moved aside, and what the next one begins with. */
let condemned: { reason: string; detail: string; line: string | null } | null = null;
let ballast: Promise<void> = Promise.resolve();
let trimming: TrimJob | null = null;
/** Warnings already given, until what they warn of has passed. */
const warned = new Set<string>();

const post = (message: FromWriter): void => port.postMessage(message);
const warn = (text: string): void => post({ type: 'warning', text });

const checkpoints = createCheckpoints({
  limits,
  store: () => store,
  warnOnce,
  passed: (about) => void warned.delete(about),
  onError: (error) => void passingOr(error, 'checkpoint', `fold the write-ahead file into "${files.database}"`),
});

function warnOnce(about: string, text: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  warn(text);
}

function begin(): void {
  try {
    const { store: opened, replaced, warnings, extent } = open(null);
    post({ type: 'opened', last: opened.last.position, replaced, warnings, extent });
  } catch (error) {
    const { code, message } = error instanceof TurnoutError ? error : stateDirError(`open the log in "${dir}"`, error);
    post({ type: 'refused', code, message });
    port.close();
    return;
  }
  port.on('message', receive);
  const watch = setInterval(watchFile, limits.logFileCheckMs);
  port.on('close', () => clearInterval(watch));
  makeBallast();
}

function receive(message: ToWriter): void {
  if (message.type === 'commit') commit(message.batch);
  else if (message.type === 'snapshot') keep(message.snapshot);
  else if (message.type === 'trim') trim(message.wish);
  else if (message.type === 'condemn') condemn(message);
  else void close();
}

/** `line`: what a log begins with that has to be made. */
function open(line: string | null): OpenedStore {
  const {
    logRowsPerInsert: rowsPerInsert,
    logWalKeptBytes: walKeptBytes,
    logWholeAtStartBytes: wholeBytesMax,
  } = limits;
  const opened = openStore({ files, base, line, known, rowsPerInsert, walKeptBytes, wholeBytesMax, fault });
  try {
    head = openHead(files.head, opened.store.last, warn);
  } catch (error) {
    opened.store.abandon();
    throw stateDirError(`write "${files.head}"`, error);
  }
  store = opened.store;
  known = store.last;
  base = known.position;
  return opened;
}

/** Opens again after trouble, and says what became of the file before. */
function reopen(): Store {
  const line = condemned?.line ?? null;
  if (condemned !== null) {
    const movedTo = moveAside(files, condemned.reason) ?? 'nowhere: it was gone';
    post({ type: 'replaced', reason: `${condemned.reason}: ${condemned.detail}`, movedTo });
    condemned = null;
    known = null;
  }
  const opened = open(line);
  if (opened.replaced !== null) post({ type: 'replaced', ...opened.replaced });
  for (const text of opened.warnings) warn(text);
  return opened.store;
}

function letGo(): void {
  trimming?.stop('the log is in trouble');
  store?.abandon();
  head?.abandon();
  store = null;
  head = null;
}

function commit(batch: StoreBatch): void {
  try {
    const ours = store ?? reopen();
    // A batch of nothing asks whether the log can be written again: opening it was the answer.
    if (batch.text !== '' || batch.blobs.length > 0) ours.commit(batch);
    known = ours.last;
    base = known.position;
    post({ type: 'committed', last: known.position });
    head?.advance(known);
    checkpoints.plan(ours);
  } catch (error) {
    if (error instanceof CrashForTest) throw error;
    fail(error, 'failed');
  }
}

function fail(error: unknown, type: 'failed' | 'troubled'): void {
  const trouble = troubleOf(error);
  let again = trouble.code === 'disk-full' && freeBallast(files.ballast);
  if (trouble.remedy === 'abandon') {
    condemned = { reason: trouble.code, detail: trouble.message, line: lineToGoOnFrom() };
    letGo();
    again = tryReopen();
  } else if (trouble.remedy === 'reopen') letGo();
  post({ type, code: trouble.code, message: trouble.message, again });
}

/** A file that is given up while running is followed by one that begins with the state so far. */
function lineToGoOnFrom(): string | null {
  try {
    return store?.rebasedLine() ?? null;
  } catch (error) {
    warn(`begin the next event log with the state of this one: ${(error as Error).message}`);
    return null;
  }
}

function tryReopen(): boolean {
  try {
    reopen();
    return true;
  } catch (error) {
    letGo();
    warn(`begin a new event log in "${dir}": ${(error as Error).message}`);
    return false;
  }
}

/** Damage that was found while running, in a part that was not read at the start. */
function condemn({ reason, detail }: { reason: string; detail: string }): void {
  condemned = { reason, detail, line: lineToGoOnFrom() };
  letGo();
  const again = tryReopen();
  post({ type: 'troubled', code: reason, message: detail, again });
}

/** A snapshot that cannot be kept is no trouble of the log: folds begin at the one before it. */
function keep(snapshot: Snapshot): void {
  try {
    store?.keep(snapshot);
    warned.delete('snapshot');
  } catch (error) {
    passingOr(error, 'snapshot', 'keep a snapshot of the event log');
  }
  post({ type: 'snapshot-kept', bytes: store?.bytes() ?? 0 });
}

/** Says once what went wrong beside the commits; only a file that is not to be trusted is a trouble of the log itself. */
function passingOr(error: unknown, about: string, action: string): string {
  const { code, message, remedy } = troubleOf(error);
  warnOnce(about, `${action}: ${code}: ${message}`);
  if (remedy === 'abandon') fail(error, 'troubled');
  return `${code}: ${message}`;
}

function trim(wish: TrimWish): void {
  const job = startTrim(wish, {
    limits,
    store: () => store,
    async headReached() {
      await head?.settled();
      return head?.reached ?? 0;
    },
    checkpoint: checkpoints.now,
    failed: (error) => passingOr(error, 'trim', 'take old events out of the event log'),
  });
  trimming = job;
  void job.done.then((result) => {
    if (trimming === job) trimming = null;
    if (result.stopped === null) warned.delete('trim');
    post({ type: 'trimmed', result });
  });
}

/** Commits to a file without a name seem to succeed and are gone with the process. */
function watchFile(): void {
  makeBallast();
  if (store?.moved() !== true) return;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    store.rescue();
  } catch (error) {
    const detail = `the file was taken away, and ${(error as Error).message}`;
    condemned = { reason: 'unlinked', detail, line: lineToGoOnFrom() };
    letGo();
    const again = tryReopen();
    post({ type: 'troubled', code: 'unlinked', message: 'the file of the event log was taken away', again });
    return;
  }
  putBack();
}

/** Puts what was rescued from the open file in the place of the log. */
function putBack(): void {
  letGo();
  try {
    const movedTo = moveAside(files, 'unlinked');
    rename(files.rescued, files.database);
    const { store: opened, extent } = open(null);
    const found = movedTo === null ? 'nothing was in its place' : `what was in its place is "${movedTo}" now`;
    warn(`"${files.database}" was taken away; all events up to ${opened.last.position} were written anew; ${found}`);
    post({ type: 'rebuilt', extent });
  } catch (error) {
    letGo();
    post({ type: 'troubled', code: 'unlinked', message: (error as Error).message, again: false });
  }
}

function makeBallast(): void {
  ballast = ballast.then(async () => {
    if (store === null) return;
    const problem = await keepBallast(files.ballast, limits.logBallastBytes);
    if (problem === null) warned.delete('ballast');
    else warnOnce('ballast', problem);
  });
  ballast = ballast.catch((error: Error) => warnOnce('ballast', error.message));
}

async function close(): Promise<void> {
  checkpoints.stop();
  trimming?.stop('the log is being closed');
  await ballast;
  for (const step of [() => head?.close(), () => store?.checkpoint('TRUNCATE'), () => store?.close()]) {
    try {
      await step();
    } catch (error) {
      warn(`close the event log "${files.database}": ${(error as Error).message}`);
    }
  }
  post({ type: 'closed' });
  port.close();
}

begin();
