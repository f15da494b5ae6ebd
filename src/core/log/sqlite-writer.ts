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
import { CrashForTest, createFault } from './sqlite-fault.ts';
import type { FromWriter, ToWriter, WriterData } from './sqlite-messages.ts';
import type { OpenedStore, Store, StoreBatch } from './sqlite-store.ts';
import { openStore } from './sqlite-store.ts';
import { troubleOf } from './sqlite-trouble.ts';

/** A write-ahead file of so many times the size at which it is folded in means that a reader does not let go. */
const WAL_ALARM = 4;

const port = parentPort!;
const { dir, limits, fault: faults, counter, base: firstBase } = workerData as WriterData;
const files = logFiles(dir);
const fault = createFault(faults, counter);

let store: Store | null = null;
let head: HeadFile | null = null;
/** How far the log reached when `store` was last open; `null` when the file that it was in is given up. */
let known: Link | null = null;
let base: Position = firstBase;
/** Why the file in our place must not be opened again, until it is moved aside. */
let condemned: { reason: string; detail: string } | null = null;
let idle: NodeJS.Timeout | null = null;
let committedAt = 0;
let checkpointAtBytes = limits.logCheckpointBytes;
let ballast: Promise<void> = Promise.resolve();
/** Warnings already given, until what they warn of has passed. */
const warned = new Set<string>();

const post = (message: FromWriter): void => port.postMessage(message);
const warn = (text: string): void => post({ type: 'warning', text });

function warnOnce(about: string, text: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  warn(text);
}

function begin(): void {
  try {
    const opened = open();
    post({ type: 'opened', last: opened.store.last.position, replaced: opened.replaced, warnings: opened.warnings });
  } catch (error) {
    const { code, message } = error instanceof TurnoutError ? error : stateDirError(`open the log in "${dir}"`, error);
    post({ type: 'refused', code, message });
    port.close();
    return;
  }
  port.on('message', (message: ToWriter) => {
    if (message.type === 'commit') commit(message.batch);
    else void close();
  });
  const watch = setInterval(watchFile, limits.logFileCheckMs);
  port.on('close', () => clearInterval(watch));
  makeBallast();
}

function open(): OpenedStore {
  const { logRowsPerInsert: rowsPerInsert, logWalKeptBytes: walKeptBytes } = limits;
  const opened = openStore({ files, base, known, rowsPerInsert, walKeptBytes, fault });
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
  if (condemned !== null) {
    const movedTo = moveAside(files, condemned.reason) ?? 'nowhere: it was gone';
    post({ type: 'replaced', reason: `${condemned.reason}: ${condemned.detail}`, movedTo });
    condemned = null;
    known = null;
  }
  const opened = open();
  if (opened.replaced !== null) post({ type: 'replaced', ...opened.replaced });
  for (const text of opened.warnings) warn(text);
  return opened.store;
}

function letGo(): void {
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
    planCheckpoint(ours);
  } catch (error) {
    if (error instanceof CrashForTest) throw error;
    fail(error, 'failed');
  }
}

function fail(error: unknown, type: 'failed' | 'troubled'): void {
  const trouble = troubleOf(error);
  let again = trouble.code === 'disk-full' && freeBallast(files.ballast);
  if (trouble.remedy !== 'retry') letGo();
  if (trouble.remedy === 'abandon') {
    condemned = { reason: trouble.code, detail: trouble.message };
    again = tryReopen();
  }
  post({ type, code: trouble.code, message: trouble.message, again });
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

function planCheckpoint(ours: Store): void {
  committedAt = performance.now();
  if (ours.walBytes() >= checkpointAtBytes) checkpoint(ours);
  idle ??= setTimeout(whenIdle, limits.logCheckpointIdleMs);
}

function whenIdle(): void {
  const left = limits.logCheckpointIdleMs - (performance.now() - committedAt);
  idle = left > 0 ? setTimeout(whenIdle, left) : null;
  if (idle === null && store !== null) checkpoint(store);
}

function checkpoint(ours: Store): void {
  try {
    const complete = ours.checkpoint('PASSIVE');
    const size = ours.walBytes();
    checkpointAtBytes = limits.logCheckpointBytes + (complete ? 0 : size);
    if (complete) warned.delete('wal');
    else if (size >= limits.logCheckpointBytes * WAL_ALARM) {
      warnOnce('wal', `the write-ahead file of the event log has ${size} bytes: a reader does not let go of it`);
    }
    warned.delete('checkpoint');
  } catch (error) {
    // Commits go on into the write-ahead file; only a file that is not to be trusted is a trouble of the log itself.
    checkpointAtBytes = ours.walBytes() + limits.logCheckpointBytes;
    const { code, message, remedy } = troubleOf(error);
    warnOnce('checkpoint', `fold the write-ahead file into "${files.database}": ${code}: ${message}`);
    if (remedy === 'abandon') fail(error, 'troubled');
  }
}

/** Commits to a file without a name seem to succeed and are gone with the process. */
function watchFile(): void {
  makeBallast();
  if (store?.moved() !== true) return;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    store.rescue();
  } catch (error) {
    condemned = { reason: 'unlinked', detail: `the file was taken away, and ${(error as Error).message}` };
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
    const { store: opened } = open();
    const found = movedTo === null ? 'nothing was in its place' : `what was in its place is "${movedTo}" now`;
    warn(`"${files.database}" was taken away; all events up to ${opened.last.position} were written anew; ${found}`);
    post({ type: 'rebuilt' });
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
  if (idle !== null) clearTimeout(idle);
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
