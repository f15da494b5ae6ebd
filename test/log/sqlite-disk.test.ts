/** What a disk does to a log when it loses power, breaks, fills up or cannot be written: with real files and real errors. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { logFiles } from '../../src/core/log/log-files.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';
import { inspectLog } from '../../src/core/log/sqlite-inspect.ts';
import { until } from '../support/until.ts';
import { busyLog } from './busy-events.ts';
import {
  canMount,
  canPreload,
  diskLibrary,
  type Happening,
  losePower,
  readOnlyView,
  readTrace,
  smallDisk,
} from './disk-fixtures.ts';
import { eventsFrom, openTestLog, positionsOf, randomFrom, readAll, tempDir, whenStatus } from './log-fixtures.ts';
import { startAppender, startTrimmer } from './programs.ts';

const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
const POWER_LOSSES = Number(process.env['TURNOUT_TEST_POWER_LOSSES'] ?? 100);

const copy = (from: string) => {
  const to = tempDir();
  execFileSync('cp', [join(from, 'events.db'), join(from, 'head.json'), to]);
  return to;
};

async function emptyLog(): Promise<string> {
  const dir = tempDir();
  const { log } = await openTestLog(dir);
  await log.close();
  return dir;
}

describe.skipIf(!canPreload)('a loss of power', () => {
  const title = `loses nothing that was acknowledged, whatever of the rest was written (seed ${SEED})`;

  it(`at ${POWER_LOSSES} moments of appending ${title}`, { timeout: 120_000 }, async () => {
    const before = await emptyLog();
    const happened = await traced(before, async (dir, env) => {
      const appender = await startAppender(dir, env);
      await appender.afterCommits(400);
      await appender.kill();
    });
    expect(happened.filter(({ kind }) => kind === 'sync').length).toBeGreaterThan(400);
    expectSoundAfter(POWER_LOSSES, before, happened);
  });

  it(`at ${POWER_LOSSES} moments while events leave ${title}`, { timeout: 120_000 }, async () => {
    const before = tempDir();
    const { log } = await openTestLog(before, { limits: { logSnapshotEvents: 100 } });
    log.append(busyLog(400), true);
    await log.close();
    const happened = await traced(before, async (dir, env) => {
      const { ended } = await startTrimmer(dir, { step: 0, env });
      expect((await ended).done).toBe(true);
    });
    expectSoundAfter(POWER_LOSSES, before, happened);
  });

  /** What happens to a copy of a log while `run` uses it. */
  async function traced(before: string, run: (dir: string, env: Record<string, string>) => Promise<void>) {
    const dir = copy(before);
    const trace = join(tempDir(), 'trace');
    await run(dir, { LD_PRELOAD: diskLibrary(), DISK_DIR: dir, DISK_TRACE: trace });
    return readTrace(trace);
  }

  function expectSoundAfter(count: number, before: string, happened: readonly Happening[]): void {
    const random = randomFrom(SEED);
    for (let loss = 0; loss < count; loss += 1) {
      const moment = Math.floor(random() * happened.length);
      const after = copy(before);
      losePower(after, happened.slice(0, moment), random);
      const printed = happened.slice(0, moment).flatMap((one) => (one.kind === 'printed' ? [one.text] : []));
      const lines = printed.join('').replace('opened ', '').trimEnd().split('\n');
      const acknowledged = Number(lines.findLast((line) => line !== 'done') ?? 0);
      const found = inspectLog(logFiles(after));
      expect(found, `moment ${moment}`).toMatchObject({ kind: 'sound' });
      if (found.kind !== 'sound') return;
      expect(found.last.position, `moment ${moment}`).toBeGreaterThanOrEqual(acknowledged);
      found.reader.close();
      rmSync(after, { recursive: true });
    }
  }
});

describe.skipIf(!canPreload)('a sync that fails', () => {
  it.each([4, 5, 9, 25])('as number %i costs the file, and nothing that was acknowledged', async (nth) => {
    const dir = await emptyLog();
    const env = { LD_PRELOAD: diskLibrary(), DISK_DIR: dir, DISK_FAIL_SYNC: String(nth) };
    const appender = await startAppender(dir, env);
    await appender.afterCommits(40);
    const acknowledged = await appender.kill();
    expect(acknowledged).toBeGreaterThan(40);
    const { log, head, replaced } = await openTestLog(dir);
    expect(replaced).toBeNull();
    expect(head).toBeGreaterThanOrEqual(acknowledged);
    const kept = await readAll(log);
    const events = kept.filter(({ type }) => type !== 'log.rebased');
    const [first = 0] = positionsOf(events);
    expect(positionsOf(events)).toEqual(Array.from({ length: head - first + 1 }, (_, index) => first + index));
    // What was acknowledged before it broke is in the file that was given up.
    const given = readdirSync(dir).find((name) => /^events\.db\.io-error-\w+Z$/.test(name));
    if (first > 1) expect(lastIn(join(dir, given ?? 'none'))).toBeGreaterThanOrEqual(first - 1);
    else expect(given).toBeUndefined(); // only the head was meant, which is written behind the commits
  });

  function lastIn(file: string): number {
    const db = new Database(file, { readonly: true });
    onTestFinished(() => void db.close());
    return db.prepare<[], number>('SELECT max(position) FROM events').pluck().get() ?? 0;
  }
});

describe.skipIf(!canMount)('a disk of three megabytes', () => {
  /** Leaves this much of it free. */
  function fill(dir: string, freeBytes: number): string {
    const filler = join(dir, 'filler');
    const { bavail, bsize } = statfsSync(dir);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - freeBytes));
    return filler;
  }

  it('that is full is trouble until there is room, and then by itself nothing is missing', async () => {
    const disk = smallDisk(3 * 1024 * 1024);
    const dir = join(disk, 'state');
    const { log } = await openTestLog(dir, {
      limits: { logBallastBytes: 300_000, logRetryMs: 50, logFileCheckMs: 50 },
    });
    // it grows while it is written: what is filled now must not be what it still takes
    await until('the ballast', () => statSync(join(dir, 'ballast'), { throwIfNoEntry: false })?.size === 300_000);
    const filler = fill(disk, 200_000);
    let last = 0;
    const append = (count: number) => {
      log.append(eventsFrom(last + 1, last + count), true);
      last += count;
    };
    await until('the disk to be full', async () => {
      if (log.status().state === 'ok') append(100);
      return log.status().code === 'disk-full' && !existsSync(join(dir, 'ballast'));
    });
    const durable = log.durable;
    append(300);
    expect(log.status()).toMatchObject({ state: 'troubled', lost: 0 });
    expect(positionsOf(await log.read({ from: durable, limit: 1 }))).toEqual([durable]);
    const freedAt = performance.now();
    rmSync(filler);
    await whenStatus(log, ({ state }) => state === 'ok');
    await log.flush();
    expect(performance.now() - freedAt).toBeLessThan(5_000);
    expect(positionsOf(await readAll(log))).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    await until('the ballast again', () => existsSync(join(dir, 'ballast')));
  });

  it('on which a full log was killed lets it start again, full or not', async () => {
    const disk = smallDisk(3 * 1024 * 1024);
    const dir = join(disk, 'state');
    mkdirSync(dir);
    const filler = fill(disk, 400_000);
    const appender = await startAppender(dir);
    await until('the disk to be full', () => statfsSync(disk).bavail < 10);
    const acknowledged = await appender.kill();
    const whileFull = await openTestLog(dir);
    expect(whileFull).toMatchObject({ replaced: null });
    expect(whileFull.head).toBeGreaterThanOrEqual(acknowledged);
    await whileFull.log.close();
    rmSync(filler);
    const { log, head, replaced } = await openTestLog(dir);
    expect({ head, replaced }).toEqual({ head: whileFull.head, replaced: null });
    log.append(eventsFrom(head + 1, head + 3), true);
    await log.flush();
    expect(log.durable).toBe(head + 3);
  });
});

describe.skipIf(!canMount)('a directory that can only be read', () => {
  it('is said to be so, with what to do', async () => {
    const dir = await emptyLog();
    const view = readOnlyView(dir);
    await expect(openSqliteLog({ dir: view })).rejects.toMatchObject({ code: 'state-dir' });
    const reading = openLogForReading(view);
    await expect(reading).rejects.toMatchObject({ code: 'state-dir' });
    await expect(reading).rejects.toThrow(
      /expected to be allowed to write beside it, .+; copy ".+" to where it can be written, and name the copy with --state-dir$/,
    );
    const log = await openLogForReading(copy(dir));
    onTestFinished(() => log.close());
    expect(log.head).toBe(0);
  });
});
