/** Versions of SQLite that lose commits are refused; files of older turnouts are brought up to date. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createTables,
  expectedSchema,
  MIGRATIONS,
  migrate,
  refuseAffectedSqlite,
  schemaOf,
  setPragmas,
} from '../../src/core/log/sqlite-schema.ts';
import { tempDir } from './log-fixtures.ts';

function memory(): Database.Database {
  const db = new Database(':memory:');
  onTestFinished(() => void db.close());
  return db;
}

describe('setPragmas()', () => {
  it('makes every opening safe again, for SQLite forgets it each time', () => {
    const path = join(tempDir(), 'events.db');
    for (let opening = 0; opening < 2; opening += 1) {
      const db = new Database(path);
      setPragmas(db);
      expect(db.pragma('synchronous', { simple: true }), `opening ${opening + 1}`).toBe(2);
      db.close();
      const bare = new Database(path);
      expect(bare.pragma('synchronous', { simple: true }), 'what an opening without it would have').toBe(1);
      bare.close();
    }
  });

  it('refuses a database on which it does not take', () => {
    expect(() => setPragmas(memory())).toThrow('open the event log: expected journal_mode to be wal, got "memory"');
  });
});

describe('refuseAffectedSqlite()', () => {
  it.each(['3.51.3', '3.52.0', '3.54.1', '3.60.0', '4.0.0', '3.50.7', '3.50.12', '3.44.6'])('accepts %s', (version) => {
    expect(() => refuseAffectedSqlite(version)).not.toThrow();
  });

  it.each(['3.51.2', '3.51.0', '3.50.6', '3.49.9', '3.45.1', '3.44.5', '3.7.0', '2.8.17', ''])(
    'refuses "%s"',
    (version) => {
      expect(() => refuseAffectedSqlite(version)).toThrow(`got "${version}", which can lose commits`);
    },
  );

  it('accepts the one that turnout ships with', () => {
    const version = memory().prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? '';
    expect(() => refuseAffectedSqlite(version)).not.toThrow();
  });
});

describe('migrate()', () => {
  const steps = ['CREATE TABLE a (x)', 'ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)', 'CREATE TABLE b (z)'];

  it('takes every step once, from wherever a file stands', () => {
    const db = memory();
    expect(migrate(db, steps.slice(0, 1))).toBe(0);
    expect(migrate(db, steps)).toBe(1);
    expect(migrate(db, steps)).toBe(3);
    expect(db.pragma('user_version', { simple: true })).toBe(3);
    expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1, y: 2 }]);
  });

  it('takes a step wholly or not at all', () => {
    const db = memory();
    expect(() => migrate(db, [steps[0]!, 'INSERT INTO a VALUES (1); SELECT no_such_function()'])).toThrow();
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    expect(db.prepare('SELECT * FROM a').all()).toEqual([]);
  });
});

describe('createTables()', () => {
  it('makes what is expected of a file of the newest format', () => {
    const db = memory();
    db.exec('BEGIN; ROLLBACK');
    expect(() => createTables(db)).toThrow('expected journal_mode to be wal, got "memory"');
    migrate(db);
    expect(schemaOf(db)).toEqual(expectedSchema());
    expect(db.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
  });
});
