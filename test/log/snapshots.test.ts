/** Snapshots make jumps and starts short, and nothing depends on them: a bad one is passed over. */
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import { logFiles } from '../../src/core/log/log-files.ts';
import type { SqliteLogOptions } from '../../src/core/log/sqlite.ts';
import { snapshotProof } from '../../src/core/log/sqlite-chain.ts';
import { inspectLog } from '../../src/core/log/sqlite-inspect.ts';
import { FOLD_ID } from '../../src/core/log/sqlite-snapshots.ts';
import { until } from '../support/until.ts';
import { busyLog } from './busy-events.ts';
import { openTestLog, randomFrom, tempDir } from './log-fixtures.ts';

const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
const EVERY = 50;
const limits = { logSnapshotEvents: EVERY, logSnapshotGapMs: 1 };

/** Writes in commits of random sizes, and closes. Resolves with the directory. */
async function written(events: readonly TurnoutEvent[], options: Omit<SqliteLogOptions, 'dir'> = {}): Promise<string> {
  const random = randomFrom(SEED);
  const dir = tempDir();
  const { log } = await openTestLog(dir, { ...options, limits: { ...limits, ...options.limits } });
  for (let from = 0; from < events.length; ) {
    const to = from + 1 + Math.floor(random() * 30);
    log.append(events.slice(from, to), true);
    await log.flush();
    from = to;
  }
  if (options.limits?.logSnapshotEvents === undefined) await until('snapshots', () => reachesEnd(dir, events.length));
  await log.close();
  return dir;
}

function database(dir: string): Database.Database {
  const db = new Database(join(dir, 'events.db'));
  onTestFinished(() => void db.close());
  return db;
}

const positionsIn = (dir: string) =>
  database(dir).prepare<[], number>('SELECT position FROM snapshots ORDER BY position').pluck().all();

const reachesEnd = (dir: string, last: number) => (positionsIn(dir).at(-1) ?? 0) > last - EVERY;

describe('snapshots', () => {
  it('are made every few thousand events, at the ends of commits', async () => {
    const dir = await written(busyLog(600));
    const positions = positionsIn(dir);
    expect(positions.length).toBeGreaterThanOrEqual(600 / (EVERY + 30) - 1);
    const gaps = positions.map((position, index) => position - (positions[index - 1] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(EVERY);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(EVERY + 30);
  });

  it(`and the events behind them give the same state as all events, at every position (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    for (let round = 0; round < 5; round += 1) {
      const options = { models: 1 + Math.floor(random() * 6), requestsPerSwap: 1 + Math.floor(random() * 8) };
      const events = busyLog(200 + Math.floor(random() * 300), options);
      const { log } = await openTestLog(await written(events), { limits });
      for (let count = 0; count < 40; count += 1) {
        const position = Math.floor(random() * (events.length + 1));
        const expected = canonical(fold(events.slice(0, position)));
        expect(canonical(await log.stateAt(position)), `position ${position}`).toBe(expected);
      }
      await log.close();
    }
  });

  it('are made up for by a log that has none', async () => {
    const events = busyLog(400);
    const dir = await written(events, { limits: { logSnapshotEvents: 1_000_000 } });
    expect(positionsIn(dir)).toEqual([]);
    const { log } = await openTestLog(dir, { limits });
    await until('snapshots', () => reachesEnd(dir, 400));
    expect(positionsIn(dir).length).toBeGreaterThanOrEqual(4);
    expect(canonical(await log.stateAt(333))).toBe(canonical(fold(events.slice(0, 333))));
  });

  it('of another fold are ignored, and replaced', async () => {
    const events = busyLog(400);
    const dir = await written(events);
    const before = positionsIn(dir);
    database(dir).exec("UPDATE snapshots SET fold = 99, bytes = x'00'");
    const { log, warnings } = await openTestLog(dir, { limits });
    expect(warnings).toEqual([]);
    expect(canonical(await log.stateAt(400))).toBe(canonical(fold(events)));
    await until('snapshots', () => reachesEnd(dir, 400));
    expect(positionsIn(dir)).toEqual(before);
    expect(database(dir).prepare('SELECT DISTINCT fold FROM snapshots').pluck().all()).toEqual([FOLD_ID]);
  });

  it.each([
    ['whose bytes were changed', "UPDATE snapshots SET bytes = x'00ff' WHERE position = ?"],
    ['whose proof was changed', "UPDATE snapshots SET proof = 'abc' WHERE position = ?"],
    ['of another log', "UPDATE snapshots SET link = 'abc' WHERE position = ?"],
  ])('%s are not trusted: the fold begins earlier, and the operator is told', async (_, sql) => {
    const events = busyLog(400);
    const dir = await written(events);
    const last = positionsIn(dir).at(-1)!;
    database(dir).prepare(sql).run(last);
    const text = `the snapshot of the event log at event ${last} is not what was stored: it is not used`;
    // none is made in its place, which would be used
    const { log, warnings, notes } = await openTestLog(dir, { limits: { ...limits, logSnapshotEvents: 10_000 } });
    expect(warnings).toEqual([text]);
    for (let count = 0; count < 3; count += 1) {
      expect(canonical(await log.stateAt(400))).toBe(canonical(fold(events)));
    }
    expect(notes).toEqual([text]);
  });

  it('that no fold can read are not used, and the operator is told once', async () => {
    const events = busyLog(300);
    const dir = await written(events);
    const db = database(dir);
    const bytes = brotliCompressSync('{"models": []}');
    const rows = db.prepare<[], [number, string]>('SELECT position, link FROM snapshots').raw().all();
    const change = db.prepare('UPDATE snapshots SET bytes = ?, proof = ? WHERE position = ?');
    for (const [position, hash] of rows) change.run(bytes, snapshotProof({ position, hash }, FOLD_ID, bytes), position);
    const { log, notes } = await openTestLog(dir, { limits: { logSnapshotEvents: 1_000_000 } });
    for (const position of [299, 300]) {
      expect(canonical(await log.stateAt(position))).toBe(canonical(fold(events.slice(0, position))));
    }
    const reason = 'read a stored state: expected "position" to be a plain value';
    expect(notes).toEqual([`the snapshots of the event log cannot be read, they are not used: ${reason}`]);
  });

  it('that all cannot be trusted leave the fold of all events', async () => {
    const events = busyLog(300);
    const dir = await written(events);
    database(dir).exec("UPDATE snapshots SET bytes = x'00'");
    const { log, head } = await openTestLog(dir, { limits: { logWholeAtStartBytes: 0, logSnapshotEvents: 1_000_000 } });
    expect(canonical(await log.stateAt(head))).toBe(canonical(fold(events)));
  });

  it('that cannot be kept are no trouble of the log', async () => {
    const events = busyLog(300);
    const { log, notes } = await openTestLog(tempDir(), { limits, fault: { failSnapshots: 'SQLITE_FULL' } });
    for (let from = 0; from < 300; from += 20) {
      log.append(events.slice(from, from + 20), true);
      await log.flush();
    }
    await until('a word about it', () => notes.length > 0);
    expect(log.status()).toMatchObject({ state: 'ok', pending: 0 });
    expect(notes).toEqual(['keep a snapshot of the event log: disk-full: made up for a test']);
    expect(canonical(await log.stateAt(300))).toBe(canonical(fold(events)));
  });
});

describe('a large log', () => {
  const tailOnly = { ...limits, logWholeAtStartBytes: 0 };

  it('is proven from its newest snapshot on when it is opened, and whole behind that', async () => {
    const dir = await written(busyLog(400));
    const found = inspectLog(logFiles(dir), { wholeBytesMax: 0 });
    expect(found).toMatchObject({ kind: 'sound', whole: false, snapshot: positionsIn(dir).at(-1) });
    if (found.kind === 'sound') found.reader.close();
    const { log, upkeep, replaced, notes } = await openTestLog(dir, { limits: { ...tailOnly, logProofDelayMs: 0 } });
    await upkeep.proven();
    expect({ replaced, notes, state: log.status().state }).toEqual({ replaced: null, notes: [], state: 'ok' });
  });

  it('without a snapshot is read whole', async () => {
    const dir = await written(busyLog(400), { limits: { logSnapshotEvents: 1_000_000 } });
    const found = inspectLog(logFiles(dir), { wholeBytesMax: 0 });
    expect(found).toMatchObject({ kind: 'sound', whole: true });
    if (found.kind === 'sound') found.reader.close();
  });

  it('whose end is damaged is noticed at once', async () => {
    const dir = await written(busyLog(400));
    change(dir, 'DELETE FROM snapshots WHERE position >= 399'); // what a snapshot covers is proven later
    change(dir, 'UPDATE events SET at = at + 1 WHERE position = 399');
    const { replaced } = await openTestLog(dir, { limits: tailOnly });
    expect(replaced?.reason).toMatch(/^damaged: /);
  });

  it('whose older part is damaged is noticed while it runs: a new log goes on with the state so far', async () => {
    const events = busyLog(430);
    const dir = await written(events.slice(0, 400));
    change(dir, 'UPDATE events SET at = at + 1 WHERE position = 7');
    const replacements: string[] = [];
    const { log, upkeep, replaced } = await openTestLog(dir, {
      limits: { ...tailOnly, logProofDelayMs: 100 },
      onReplaced: ({ reason }) => void replacements.push(reason),
    });
    expect(replaced).toBeNull();
    log.append(events.slice(400, 415), true);
    await log.flush();
    await upkeep.proven();
    await until('a new log', () => replacements.length > 0);
    log.append(events.slice(415), true);
    await until('recovery', () => log.durable === 430 && log.status().state === 'ok');
    expect(replacements).toEqual([
      expect.stringMatching(/^damaged: events \d+ to \d+ do not match the hash of their commit$/),
    ]);
    const kept = await log.read({});
    expect(kept[0]).toMatchObject({ position: 415, type: 'log.rebased' });
    expect(kept.slice(1)).toEqual(events.slice(415));
    expect(canonical(await log.stateAt(430))).toBe(canonical(fold(events)));
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: 430, replaced: null, warnings: [] });
  });
});

/** Changes a closed log behind turnout's back. */
function change(dir: string, sql: string): void {
  const db = database(dir);
  const triggers = db.prepare<[], [string, string]>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
  const all = triggers.raw().all();
  for (const [name] of all) db.exec(`DROP TRIGGER ${name}`);
  db.exec(sql);
  for (const [, text] of all) db.exec(text);
  db.close();
}
