/** A log in trouble keeps what it is given, says so, and catches up; a broken file is never trusted again. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, vi } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { fold } from '../../src/core/evolve.ts';
import type { LogStatus } from '../../src/core/log/log.ts';
import type { Replaced } from '../../src/core/log/sqlite-messages.ts';
import { until } from '../support/until.ts';
import { busyLog } from './busy-events.ts';
import { eventsFrom, openTestLog, positionsOf, readAll, tempDir, whenDurable, whenStatus } from './log-fixtures.ts';

const movedAside = (dir: string, reason: string) => readdirSync(dir).filter((name) => name.includes(`.${reason}-`));

describe('a full disk', () => {
  it('is trouble until there is room again; nothing is lost and nothing throws', async () => {
    const fault = { fullCommits: { from: 3, to: 6, pages: 12 } };
    const { log } = await openTestLog(tempDir(), { fault });
    const heard: (string | null)[] = [];
    log.onStatus(({ code }) => heard.push(code));
    for (let from = 1; from <= 2_000; from += 500) {
      log.append(eventsFrom(from, from + 499), true);
      if (from < 1_001) await log.flush();
    }
    const status = await whenStatus(log, ({ state }) => state === 'troubled');
    expect(status).toMatchObject({ code: 'disk-full', message: 'database or disk is full' });
    await whenStatus(log, ({ state }) => state === 'ok');
    await log.flush();
    expect(heard).toEqual(['disk-full', null]);
    expect(await readAll(log)).toEqual(eventsFrom(1, 2_000));
  });

  it('costs the ballast, so that the reason can be written at once, and it is made again', async () => {
    const dir = tempDir();
    const ballast = join(dir, 'ballast');
    const limits = { logBallastBytes: 1024 * 1024, logRetryMs: 3_600_000, logFileCheckMs: 20 };
    const fault = { failCommits: { from: 1, to: 1, code: 'SQLITE_FULL' } };
    const { log } = await openTestLog(dir, { limits, fault });
    const made = () => expect(statSync(ballast).size).toBe(1024 * 1024);
    await vi.waitFor(made, { timeout: 10_000 });
    log.append(eventsFrom(1, 3), true);
    await whenStatus(log, ({ state }) => state === 'troubled');
    await whenDurable(log, 3);
    expect(log.status().state).toBe('ok');
    await vi.waitFor(made, { timeout: 10_000 });
  });

  it('that stays full does not stop the log from being closed or opened later', async () => {
    const dir = tempDir();
    const fault = { failCommits: { from: 2, to: 1_000_000, code: 'SQLITE_FULL' } };
    const { log, notes } = await openTestLog(dir, { fault });
    log.append(eventsFrom(1, 3), true);
    await log.flush();
    log.append(eventsFrom(4, 6), true);
    await log.flush();
    await log.close();
    expect(log.durable).toBe(3);
    expect(notes).toEqual(['close the event log: 3 events could not be written: disk-full: made up for a test']);
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: 3, replaced: null });
  });
});

describe('more than can be kept', () => {
  it('is counted, and makes one gap', async () => {
    const fault = { failCommits: { from: 1, to: 3, code: 'SQLITE_BUSY' } };
    const limits = { logPendingEventsMax: 100 };
    const { log } = await openTestLog(tempDir(), { fault, limits });
    for (let from = 1; from <= 150; from += 10) log.append(eventsFrom(from, from + 9), true);
    expect(log.status()).toMatchObject({ state: 'troubled', pending: 100, lost: 50 });
    await whenStatus(log, ({ state }) => state === 'ok');
    expect(log.status()).toMatchObject({ pending: 0, lost: 50 });
    log.append(eventsFrom(151, 160), true);
    await log.flush();
    const kept = [...eventsFrom(1, 100), ...eventsFrom(151, 160)];
    expect(positionsOf(await readAll(log))).toEqual(positionsOf(kept));
    expect(log.durable).toBe(160);
  });

  it('is bounded in bytes too, and a disk that is only slow is reported', async () => {
    const limits = { logPendingBytesMax: 20_000, logRetryMs: 20 };
    const { log } = await openTestLog(tempDir(), { limits, fault: { slowCommitMs: 100 } });
    log.append(eventsFrom(1, 3), true);
    log.append(eventsFrom(4, 300), true);
    expect(log.status()).toMatchObject({ state: 'troubled', code: 'overflow' });
    const { lost } = log.status();
    expect(lost).toBeGreaterThan(0);
    await whenStatus(log, ({ state }) => state === 'ok');
    expect(log.status()).toMatchObject({ pending: 0, lost });
    expect(await readAll(log)).toEqual(eventsFrom(1, 300 - lost));
  });
});

describe('a failed fsync', () => {
  it('ends the use of that file: what was not durable goes to a new one', async () => {
    const dir = tempDir();
    const replaced: Replaced[] = [];
    const fault = { failCommits: { from: 3, to: 3, code: 'SQLITE_IOERR_FSYNC' } };
    const opened = await openTestLog(dir, { fault, onReplaced: (what) => void replaced.push(what) });
    const { log, notes } = opened;
    const heard: LogStatus[] = [];
    log.onStatus((status) => heard.push(status));
    for (const from of [1, 11]) {
      log.append(eventsFrom(from, from + 9), true);
      await log.flush();
    }
    expect(await log.read({ limit: 1 })).toHaveLength(1);
    log.append(eventsFrom(21, 30), true);
    await whenDurable(log, 30);
    await whenStatus(log, ({ state }) => state === 'ok');
    expect(heard[0]).toMatchObject({ state: 'troubled', code: 'io-error' });
    expect(replaced).toHaveLength(1);
    expect(replaced[0]?.reason).toBe('io-error: made up for a test (SQLITE_IOERR_FSYNC)');
    expect(existsSync(replaced[0]!.movedTo)).toBe(true);
    expect(notes[0]).toMatch(/^the event log was given up \(io-error: .+\); it is ".+" now, and a new one begins$/);
    const [first, ...rest] = await readAll(log);
    expect(first).toMatchObject({ position: 20, type: 'log.rebased' });
    expect(rest).toEqual(eventsFrom(21, 30));
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: 30, replaced: null, warnings: [] });
    expect(await readAll(again.log)).toEqual([first, ...rest]);
  });

  it('leaves no hole in the state: the new file begins with what the old one had led to', async () => {
    const events = busyLog(300);
    const fault = { failCommits: { from: 2, to: 2, code: 'SQLITE_IOERR_FSYNC' } };
    const { log } = await openTestLog(tempDir(), { fault });
    log.append(events.slice(0, 200), true);
    await log.flush();
    log.append(events.slice(200), true);
    await whenDurable(log, 300);
    expect((await readAll(log))[0]).toMatchObject({ position: 200, type: 'log.rebased' });
    expect(canonical(await log.stateAt(300))).toBe(canonical(fold(events)));
    expect(canonical(await log.stateAt(200))).toBe(canonical(fold(events.slice(0, 200))));
    await expect(log.stateAt(199)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('leaves the old file with everything that was acknowledged', async () => {
    const dir = tempDir();
    const fault = { failCommits: { from: 2, to: 2, code: 'SQLITE_IOERR_FSYNC' } };
    const { log } = await openTestLog(dir, { fault });
    log.append(eventsFrom(1, 10), true);
    await log.flush();
    log.append(eventsFrom(11, 20), true);
    await whenDurable(log, 20);
    await log.close();
    const other = tempDir();
    for (const name of movedAside(dir, 'io-error')) {
      const plain = name.replace(/^events\.db\.io-error-\w+Z/, 'events.db').replace('events.db.head.json', 'head.json');
      renameSync(join(dir, name), join(other, plain));
    }
    const old = await openTestLog(other);
    expect(old.replaced).toBeNull();
    expect(await readAll(old.log)).toEqual(eventsFrom(1, 10));
  });
});

describe('passing trouble', () => {
  it.each([
    ['SQLITE_READONLY', 'read-only'],
    ['SQLITE_CANTOPEN', 'cannot-open'],
    ['SQLITE_BUSY', 'busy'],
    ['SQLITE_IOERR_SHMMAP', 'io-error'],
    ['SQLITE_MISUSE', 'error'],
  ])('%s is called %s, and the same file goes on', async (code, name) => {
    const fault = { failCommits: { from: 2, to: 3, code } };
    const dir = tempDir();
    const { log } = await openTestLog(dir, { fault });
    log.append(eventsFrom(1, 3), true);
    await log.flush();
    log.append(eventsFrom(4, 6), true);
    const status = await whenStatus(log, ({ state }) => state === 'troubled');
    expect(status.code).toBe(name);
    await whenStatus(log, ({ state }) => state === 'ok');
    expect(await readAll(log)).toEqual(eventsFrom(1, 6));
    expect(movedAside(dir, '')).toEqual([]);
  });
});

describe('a reader in another program that does not let go', () => {
  it('is reported once, and again when it happens again; commits go on', async () => {
    const dir = tempDir();
    const limits = { logCheckpointBytes: 20_000, logCheckpointIdleMs: 5, logWalKeptBytes: 10_000 };
    const { log, notes } = await openTestLog(dir, { limits });
    let last = 0;
    for (let round = 1; round <= 2; round += 1) {
      const reader = new Database(join(dir, 'events.db'), { readonly: true });
      reader.exec('BEGIN');
      reader.prepare('SELECT count(*) FROM events').get();
      await until('a word about it', async () => {
        log.append(eventsFrom(last + 1, last + 50), true);
        last += 50;
        await log.flush();
        return notes.length === round;
      });
      reader.close();
      await until('the write-ahead file to be folded in', async () => {
        log.append(eventsFrom(last + 1, last + 1), true);
        last += 1;
        await log.flush();
        return statSync(join(dir, 'events.db-wal')).size < 80_000;
      });
    }
    const text = /^the write-ahead file of the event log has \d+ bytes: a reader does not let go of it$/;
    expect(notes).toEqual([expect.stringMatching(text), expect.stringMatching(text)]);
    expect(log.status()).toMatchObject({ state: 'ok', lost: 0 });
    expect(log.durable).toBe(last);
  });
});

describe('a writer that dies', () => {
  it('is started again, and nothing is written twice or lost', async () => {
    const { log } = await openTestLog(tempDir(), { fault: { crashAt: 3 } });
    for (let from = 1; from <= 60; from += 10) {
      log.append(eventsFrom(from, from + 9), true);
      await log.flush();
    }
    const status = await whenStatus(log, ({ state }) => state === 'troubled');
    expect(status).toMatchObject({ code: 'writer-crashed' });
    await whenStatus(log, ({ state }) => state === 'ok');
    await log.flush();
    expect(await readAll(log)).toEqual(eventsFrom(1, 60));
  });
});

describe('a log whose files are taken away', () => {
  const limits = { logFileCheckMs: 20 };
  const take: [what: string, take: (dir: string) => void][] = [
    ['removed', (dir) => rmSync(join(dir, 'events.db'))],
    ['renamed', (dir) => renameSync(join(dir, 'events.db'), join(dir, 'mine.db'))],
    ['removed with all that belongs to it', (dir) => void readdirSync(dir).map((name) => rmSync(join(dir, name)))],
    ['robbed of its write-ahead file', (dir) => rmSync(join(dir, 'events.db-wal'))],
    [
      'exchanged for another file',
      (dir) => {
        writeFileSync(join(dir, 'other'), 'not a log');
        renameSync(join(dir, 'other'), join(dir, 'events.db'));
      },
    ],
    ['removed with its directory', (dir) => rmSync(dir, { recursive: true })],
  ];

  it.each(take)('%s is written anew from the open file', async (_, takeAway) => {
    const dir = join(tempDir(), 'state');
    const { log, notes } = await openTestLog(dir, { limits });
    log.putBlob('abc', 'text');
    log.append(eventsFrom(1, 30), true);
    await log.flush();
    takeAway(dir);
    await vi.waitFor(() => expect(notes).toHaveLength(1), { timeout: 10_000 });
    expect(notes[0]).toMatch(/was taken away; all events up to 30 were written anew; /);
    log.append(eventsFrom(31, 33), true);
    await whenDurable(log, 33);
    expect(await readAll(log)).toEqual(eventsFrom(1, 33));
    expect(await log.getBlob('abc')).toBe('text');
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: 33, replaced: null });
    expect(await readAll(again.log)).toEqual(eventsFrom(1, 33));
  });

  it('begins a new one with what comes when the old one cannot be saved', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir, { limits });
    log.append(eventsFrom(1, 30), true);
    await log.flush();
    const heard: LogStatus[] = [];
    log.onStatus((status) => heard.push(status));
    mkdirSync(join(dir, 'events.db.rescued', 'in the way'), { recursive: true });
    rmSync(join(dir, 'events.db'));
    await vi.waitFor(() => expect(heard.map(({ code }) => code)).toEqual(['unlinked', null]), { timeout: 10_000 });
    log.append(eventsFrom(31, 33), true);
    await whenDurable(log, 33);
    const [first, ...rest] = await readAll(log);
    expect(first).toMatchObject({ position: 30, type: 'log.rebased' });
    expect(rest).toEqual(eventsFrom(31, 33));
  });
});
