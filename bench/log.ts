/**
 * What a long log costs: a start from it, a jump to any moment of it, folding all of it. A million events are written once
 * through the log itself; each round opens it, jumps and folds. Beside the fold stands the least that reading the same rows
 * can cost: taking them out and JSON.parse. Must never leave its directory behind.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { TurnoutEvent } from '../src/core/events.ts';
import { emptyState } from '../src/core/evolve.ts';
import { openSqliteLog } from '../src/core/log/sqlite.ts';
import { foldRows } from '../src/core/log/sqlite-fold.ts';
import { seededRandom } from '../src/core/simulation/random.ts';
import { busyEvents } from '../test/log/busy-events.ts';
import { median, type Outcome, percentile, ratio, type Scenario, type Settings } from './scenario.ts';

const EVENTS = 1_000_000;
const SMOKE_EVENTS = 20_000;
/** Far more than a running turnout ever commits at once. */
const AT_ONCE = 500;
/** No snapshot is further from the end than this (log-limits.ts), and a commit. */
const SNAPSHOT_EVERY = 5_000 + AT_ONCE;
const ROWS_AT_ONCE = 2_000;
const JUMPS = 300;
const SMOKE_JUMPS = 20;
const MODELS = 20;
/** Requests that are open at every moment, which is what makes a state large. */
const OPEN_REQUESTS = 200;
/** The rest of a large log is proven beside its use; the jumps are measured when that is done. */
const PROOF_DELAY_MS = 2_000;
const SEED = 8;
const WAIT_MS = 600_000;

interface Round {
  openMs: number;
  coldStartMs: number;
  jumpsMs: number[];
  foldPerSecond: number;
  parsePerSecond: number;
}

/** Writes the log, and lets it make its snapshots. */
async function build(dir: string, count: number, progress: Settings['progress']): Promise<void> {
  const { log } = await openSqliteLog({ dir, limits: { logSnapshotGapMs: 1 } });
  let some: TurnoutEvent[] = [];
  for (const event of busyEvents({ models: MODELS, open: OPEN_REQUESTS })) {
    some.push(event);
    if (some.length < AT_ONCE && event.position < count) continue;
    log.append(some, true);
    await log.flush();
    some = [];
    if (event.position % 200_000 === 0) progress(`log: ${event.position} of ${count} events written`);
    if (event.position >= count) break;
  }
  progress('log: waiting for the last snapshot');
  await snapshotsMade(dir, count);
  await log.close();
}

async function snapshotsMade(dir: string, count: number): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const newest = reading(dir, (db) =>
      db.prepare<[], number | null>('SELECT max(position) FROM snapshots').pluck().get(),
    );
    if ((newest ?? 0) > count - SNAPSHOT_EVERY) return;
    if (performance.now() > deadline) throw new Error(`the snapshots of the log are at ${newest} after ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function reading<T>(dir: string, read: (db: Database.Database) => T): T {
  const db = new Database(join(dir, 'events.db'), { readonly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

/** `openMs`: until the log takes events. `coldStartMs`: until its whole state is known, with which a turnout begins. */
async function measure(dir: string, count: number, jumps: number, seed: number): Promise<Round> {
  const began = performance.now();
  const { log, head, upkeep } = await openSqliteLog({ dir, limits: { logProofDelayMs: PROOF_DELAY_MS } });
  const openMs = performance.now() - began;
  try {
    if (head !== count) throw new Error(`open the log of ${count} events: its head is ${head}`);
    await log.stateAt(head);
    const coldStartMs = performance.now() - began;
    await upkeep.proven();
    const random = seededRandom(seed);
    const jumpsMs: number[] = [];
    for (let i = 0; i < jumps; i += 1) {
      const position = random.int(1, head);
      const from = performance.now();
      const state = await log.stateAt(position);
      jumpsMs.push(performance.now() - from);
      if (state.position !== position) throw new Error(`fold up to ${position}: got ${state.position}`);
    }
    return { openMs, coldStartMs, jumpsMs, ...rates(dir, count) };
  } finally {
    await log.close();
  }
}

/** Events each second: folded, and only read and parsed. */
function rates(dir: string, count: number): Pick<Round, 'foldPerSecond' | 'parsePerSecond'> {
  return reading(dir, (db) => {
    const folded = performance.now();
    const state = emptyState();
    foldRows(db, state, count);
    const parsed = performance.now();
    parseRows(db, count);
    const done = performance.now();
    if (state.position !== count) throw new Error(`fold ${count} events: got ${state.position}`);
    return { foldPerSecond: (count * 1000) / (parsed - folded), parsePerSecond: (count * 1000) / (done - parsed) };
  });
}

/** Takes out the same rows in the same pieces as the fold. */
function parseRows(db: Database.Database, count: number): void {
  const rows = db
    .prepare<number[], unknown[]>('SELECT * FROM events WHERE position > ? ORDER BY position LIMIT ?')
    .raw();
  for (let from = 0; from < count; ) {
    const some = rows.all(from, ROWS_AT_ONCE);
    for (const row of some) JSON.parse(String(row.at(-1)));
    from = Number(some.at(-1)?.[0] ?? count);
  }
}

async function run({ rounds, smoke, progress }: Settings): Promise<Outcome> {
  const count = smoke ? SMOKE_EVENTS : EVENTS;
  const dir = await mkdtemp(join(tmpdir(), 'turnout-bench-log-'));
  try {
    await build(dir, count, progress);
    const { size } = await stat(join(dir, 'events.db'));
    const results: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      progress(`log: round ${round + 1} of ${rounds}`);
      results.push(await measure(dir, count, smoke ? SMOKE_JUMPS : JUMPS, SEED + round));
    }
    return { tables: [tableOf(results, count, size)], errors: [] };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function tableOf(rounds: readonly Round[], count: number, size: number): Outcome['tables'][number] {
  const of = (field: 'openMs' | 'coldStartMs' | 'foldPerSecond' | 'parsePerSecond') =>
    median(rounds.map((round) => round[field]));
  const jumps = rounds.flatMap(({ jumpsMs }) => jumpsMs).sort((a, b) => a - b);
  const [fold, parse] = [of('foldPerSecond'), of('parsePerSecond')];
  const rows: [string, number | null, string][] = [
    ['open the log, in ms', of('openMs'), ''],
    ['cold start: the whole state known, in ms', of('coldStartMs'), 'under 1,000'],
    ['a jump to any position, p50 in ms', percentile(jumps, 0.5), 'under 50'],
    ['jump, p99 in ms', percentile(jumps, 0.99), 'under 50'],
    ['jump, longest in ms', jumps.at(-1) ?? null, 'under 50'],
    ['fold, in events/s', fold, '500,000'],
    ['the same rows, JSON.parse alone, in events/s', parse, ''],
    ['fold against JSON.parse alone', ratio(fold, parse), ''],
  ];
  return {
    title: 'log: a start, a jump, a fold',
    note: `${count} events, ${Math.round(size / 1024 / 1024)} MiB, ${MODELS} models, ${OPEN_REQUESTS} requests open; medians of ${rounds.length} rounds, ${jumps.length} jumps, seed ${SEED}`,
    columns: ['measured', 'aim'],
    rows: rows.map(([name, value, aim]) => ({ name, values: [value, aim] })),
  };
}

export const log: Scenario = {
  name: 'log',
  needsSubjects: false,
  run: (settings) => run(settings),
};
