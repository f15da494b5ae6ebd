/**
 * A log to be damaged: copies of its files, one taken after a clean end and one as a killed process leaves them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { vi } from 'vitest';
import { readHead } from '../../src/core/log/head-file.ts';
import type { EventLog } from '../../src/core/log/log.ts';
import { logFiles } from '../../src/core/log/log-files.ts';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';
import { stateAt } from '../../src/core/log/sqlite-fold.ts';
import { inspectLog } from '../../src/core/log/sqlite-inspect.ts';
import { selectArrival, selectBlob, selectEvents } from '../../src/core/log/sqlite-select.ts';
import { encodeState } from '../../src/core/state-codec.ts';
import { eventsFrom, publicId } from './log-fixtures.ts';

export const EVENTS = 240;
export const COMMITS = 12;
const SNAPSHOTS = 3;
export const BLOB = 'models: {}\n'.repeat(40);

export interface Originals {
  root: string;
  /** Cleanly closed: only the database and its head. */
  closed: string;
  /** As found after a kill: the last commits are in the write-ahead file. */
  killed: string;
}

export async function makeOriginals(root: string): Promise<Originals> {
  const dir = join(root, 'live');
  // Snapshots only in the first part: what is in the write-ahead file of the second one are commits, to the last page.
  const limits = { logBallastBytes: 0, logCheckpointIdleMs: 600_000, logSnapshotEvents: 1_000_000 };
  const first = await openSqliteLog({ dir, limits: { ...limits, logSnapshotEvents: 40, logSnapshotGapMs: 1 } });
  first.log.putBlob('config', BLOB);
  await appendCommits(first.log, 1, EVENTS / 2);
  await vi.waitFor(() => {
    if (snapshotsIn(dir) < SNAPSHOTS) throw new Error('the snapshots are not made yet');
  });
  await first.log.close();
  const { log } = await openSqliteLog({ dir, limits });
  await appendCommits(log, EVENTS / 2 + 1, EVENTS);
  await vi.waitFor(() => {
    const head = readHead(join(dir, 'head.json'));
    if (typeof head === 'string' || head.position !== EVENTS) throw new Error('the head is not written yet');
  });
  const killed = copyLog(dir, root);
  await log.close();
  return { root, closed: copyLog(dir, root), killed };
}

function snapshotsIn(dir: string): number {
  const db = new Database(join(dir, 'events.db'), { readonly: true });
  try {
    return db.prepare<[], number>('SELECT count(*) FROM snapshots').pluck().get() ?? 0;
  } finally {
    db.close();
  }
}

async function appendCommits(log: EventLog, from: number, to: number): Promise<void> {
  const each = EVENTS / COMMITS;
  for (let position = from; position < to; position += each) {
    log.append(eventsFrom(position, position + each - 1), true);
    await log.flush();
  }
}

/** A copy of a log in a directory of its own under `root`. Another process makes it: this one would drop its locks. */
export function copyLog(from: string, root: string): string {
  const to = mkdtempSync(join(root, 'copy-'));
  const names = ['events.db', 'events.db-wal', 'events.db-shm', 'head.json'];
  const found = names.map((name) => join(from, name)).filter((path) => existsSync(path));
  execFileSync('cp', [...found, to]);
  return to;
}

/** What a reader sees of a log, through every index; for comparing. */
export function everythingIn(dir: string): string {
  const db = new Database(join(dir, 'events.db'), { readonly: true });
  try {
    const all = {
      from: 1,
      to: EVENTS,
      types: null,
      model: null,
      request: null,
      since: null,
      limit: 9_999,
      reverse: false,
    };
    const byRequest = Array.from({ length: EVENTS / 3 }, (_, index) =>
      selectEvents(db, { ...all, request: 3 * index + 1 }),
    );
    const found = [1, 100, EVENTS - 2].map((key) => selectArrival(db, publicId(key), EVENTS));
    const states = [40, 59, 80, 119, 120, EVENTS].map((position) => encodeState(stateAt(db, position)));
    return JSON.stringify([selectEvents(db, all), byRequest, found, selectBlob(db, 'config'), states]);
  } finally {
    db.close();
  }
}

/** `sound`, or why not. */
export function verdictOn(dir: string): string {
  return inspected(dir).verdict;
}

/** Whether the operator is told that something is not as it was. */
export function isNoticed(dir: string): boolean {
  const { verdict, warnings } = inspected(dir);
  return verdict !== 'sound' || warnings.length > 0;
}

function inspected(dir: string): { verdict: string; warnings: string[] } {
  const finding = inspectLog(logFiles(dir));
  if (finding.kind === 'sound') finding.reader.close();
  const verdict = finding.kind === 'unusable' ? finding.reason : finding.kind;
  return { verdict, warnings: finding.kind === 'sound' ? finding.warnings : [] };
}
