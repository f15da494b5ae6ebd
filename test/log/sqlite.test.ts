/** The log on disk keeps the contract of every log, sets up its file as it must, and commits in groups. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readHead } from '../../src/core/log/head-file.ts';
import { MIGRATIONS, setPragmas } from '../../src/core/log/sqlite-schema.ts';
import { testEventLog } from '../contract/event-log.ts';
import { eventAt, eventsFrom, openTestLog, readAll, tempDir, whenDurable } from './log-fixtures.ts';

testEventLog('the SQLite log', {
  open: () => openTestLog(tempDir()),
  openTroubled: () => openTestLog(tempDir(), { fault: { failCommits: { from: 1, to: 3, code: 'SQLITE_FULL' } } }),
});

/** A second connection to the database of a log. */
function connect(dir: string): Database.Database {
  const db = new Database(join(dir, 'events.db'));
  onTestFinished(() => void db.close());
  return db;
}

describe('openSqliteLog()', () => {
  it('goes on after the last position when it is opened again', async () => {
    const dir = tempDir();
    for (const from of [1, 11, 21]) {
      const { log, head, replaced, warnings } = await openTestLog(dir);
      expect({ head, replaced, warnings }).toEqual({ head: from - 1, replaced: null, warnings: [] });
      expect(log.durable).toBe(from - 1);
      log.append(eventsFrom(from, from + 9), false);
      await log.close();
    }
    const { log } = await openTestLog(dir);
    expect(await readAll(log)).toEqual(eventsFrom(1, 30));
  });

  it('names its file, and leaves one database without companions when it is closed', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir);
    log.append(eventsFrom(1, 3), true);
    expect(log.status()).toMatchObject({ kind: 'sqlite', file: join(dir, 'events.db') });
    await log.close();
    expect(() => statSync(join(dir, 'events.db-wal'))).toThrow('ENOENT');
    expect(statSync(join(dir, 'events.db')).mode & 0o777).toBe(0o600);
    expect(readHead(join(dir, 'head.json'))).toMatchObject({ position: 3 });
  });

  it('makes a directory that is missing', async () => {
    const dir = join(tempDir(), 'a', 'b');
    const { log } = await openTestLog(dir);
    await log.close();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('writes a file in WAL mode with incremental vacuum, strict tables and no index on more than two things', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir);
    log.append(eventsFrom(1, 3), true);
    await log.flush();
    const db = connect(dir);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('auto_vacuum', { simple: true })).toBe(2);
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    const tables = db.pragma('table_list') as { name: string; strict: number; type: string }[];
    const ours = tables.filter(({ name }) => !name.startsWith('sqlite_'));
    expect(ours.map(({ name, strict }) => [name, strict]).toSorted()).toEqual([
      ['blobs', 1],
      ['commits', 1],
      ['events', 1],
      ['meta', 1],
      ['snapshots', 1],
    ]);
    expect(() => db.exec("UPDATE events SET version = 'x'")).toThrow();
  });

  it('shows an event only when it is durable', async () => {
    const { log } = await openTestLog(tempDir(), { fault: { slowCommitMs: 200 } });
    log.append(eventsFrom(1, 5), true);
    expect(log.durable).toBe(0);
    expect(await log.read({})).toEqual([]);
    await whenDurable(log, 5);
    expect(await log.read({})).toHaveLength(5);
  });

  it('keeps append and the event loop free while a commit is slow', async () => {
    const { log } = await openTestLog(tempDir(), { fault: { slowCommitMs: 300 } });
    log.append([eventAt(1)], true);
    let turns = 0;
    while (log.durable < 1) {
      turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(turns).toBeGreaterThan(10);
  });

  it('commits many appends together', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir, { fault: { slowCommitMs: 20 } });
    for (const event of eventsFrom(1, 3_000)) {
      log.append([event], event.position % 10 === 0);
      if (event.position % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.flush();
    const commits = connect(dir).prepare<[], number>('SELECT count(*) FROM commits').pluck().get() ?? 0;
    expect(commits).toBeGreaterThan(0);
    expect(commits).toBeLessThan(60);
  });

  it('takes an event of ten megabytes, in characters of every kind', async () => {
    const { log } = await openTestLog(tempDir());
    const signal = 'x\u0000\t\n\u2028\u{1F600}'.repeat(1_250_000);
    const event = { position: 1, at: 1, version: 1, type: 'router.draining' as const, data: { signal } };
    log.append([event], true);
    await log.flush();
    const [found] = await log.read({});
    expect(found?.type === 'router.draining' && found.data.signal === signal).toBe(true);
    expect(log.status()).toMatchObject({ state: 'ok', lost: 0 });
  });

  it('writes a batch that is not urgent together, although nobody flushes', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir);
    for (const event of eventsFrom(1, 20)) log.append([event], false);
    await whenDurable(log, 20);
    expect(connect(dir).prepare('SELECT last FROM commits').pluck().all()).toEqual([20]);
  });

  it('folds the write-ahead file in when nothing is written, and when it has grown', async () => {
    const dir = tempDir();
    const limits = { logCheckpointIdleMs: 30, logCheckpointBytes: 64 * 1024, logWalKeptBytes: 16 * 1024 };
    const { log } = await openTestLog(dir, { limits });
    for (let from = 1; from < 3_000; from += 100) {
      log.append(eventsFrom(from, from + 99), true);
      await log.flush();
    }
    expect(statSync(join(dir, 'events.db-wal')).size).toBeLessThan(1024 * 1024);
    const db = connect(dir);
    const folded = () => {
      const [state] = db.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
      return state!.log === state!.checkpointed;
    };
    while (!folded()) await new Promise((resolve) => setImmediate(resolve));
    expect(await readAll(log)).toHaveLength(3_000);
  });
});

describe('the triggers of the log', () => {
  async function written(): Promise<Database.Database> {
    const dir = tempDir();
    const { log } = await openTestLog(dir);
    log.append(eventsFrom(1, 6), true);
    log.putBlob('abc', 'text');
    await log.close();
    const db = connect(dir);
    setPragmas(db);
    return db;
  }

  it.each([
    ["UPDATE events SET data = '{}' WHERE position = 3", 'events are never changed'],
    ['UPDATE events SET position = 77 WHERE position = 3', 'events are never changed'],
    ['DELETE FROM events WHERE position = 3', 'events after the base are never deleted'],
    ['DELETE FROM events', 'events after the base are never deleted'],
    ["INSERT OR REPLACE INTO events VALUES (3, 1, 'x', 1, NULL, NULL, NULL, '{}')", 'events after the base'],
    ["REPLACE INTO commits VALUES (6, 'x')", 'commits after the base are never deleted'],
    ["UPDATE commits SET hash = 'x'", 'commits are never changed'],
    ['DELETE FROM commits', 'commits after the base are never deleted'],
    ["UPDATE blobs SET bytes = 'x'", 'blobs are never changed'],
    ['DELETE FROM meta; DELETE FROM events', 'events after the base are never deleted'],
  ])('refuse %s', async (sql, message) => {
    const db = await written();
    expect(() => db.exec(sql)).toThrow(message);
    expect(db.prepare('SELECT count(*) FROM events').pluck().get()).toBe(6);
  });

  it('let go of what lies at or below the base', async () => {
    const db = await written();
    db.prepare("UPDATE meta SET value = ? WHERE key = 'base'").run(2n);
    db.exec('DELETE FROM events WHERE position <= 2');
    expect(() => db.exec('DELETE FROM events WHERE position <= 3')).toThrow('never deleted');
    expect(db.prepare('SELECT min(position) FROM events').pluck().get()).toBe(3);
  });
});
