/** One turnout owns a log; a killed owner does not keep it; a directory that cannot be written is refused with a reason. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';
import { eventsFrom, openTestLog, tempDir } from './log-fixtures.ts';
import { startAppender } from './programs.ts';

describe('the lock of a log', () => {
  it('refuses a second opener in the same process, naming the owner', async () => {
    const dir = tempDir();
    const { log } = await openTestLog(dir);
    expect(JSON.parse(readFileSync(join(dir, 'lock.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    const message = `open the event log in "${dir}": expected no other turnout to use it, got one with process id ${process.pid}; stop that one, or name another directory with --state-dir`;
    await expect(openSqliteLog({ dir })).rejects.toMatchObject({ code: 'log-locked', message });
    log.append(eventsFrom(1, 3), true);
    await log.flush();
    expect(log.durable).toBe(3);
  });

  it('holds against another way to the same directory', async () => {
    const dir = tempDir();
    await openTestLog(dir);
    const link = join(tempDir(), 'link');
    symlinkSync(dir, link);
    await expect(openSqliteLog({ dir: link })).rejects.toMatchObject({ code: 'log-locked' });
  });

  it('is released by close, and taken again', async () => {
    const dir = tempDir();
    for (let round = 0; round < 3; round += 1) {
      const { log } = await openTestLog(dir);
      await log.close();
      expect(existsSync(join(dir, 'lock.json'))).toBe(false);
    }
  });

  it('is released when the log cannot be opened', async () => {
    const dir = tempDir();
    const path = join(dir, 'head.json');
    symlinkSync(join(dir, 'nowhere', 'head.json'), path);
    await expect(openTestLog(dir)).rejects.toMatchObject({ code: 'state-dir' });
    await expect(openTestLog(dir)).rejects.toMatchObject({ code: 'state-dir' });
  });

  it('is held against another process, which is named, and not by one that was killed', async () => {
    const dir = tempDir();
    const owner = await startAppender(dir);
    const refused = openTestLog(dir);
    await expect(refused).rejects.toMatchObject({ code: 'log-locked' });
    await expect(refused).rejects.toThrow(`process id ${owner.child.pid}`);
    await owner.afterCommits(1);
    await owner.kill();
    expect(existsSync(join(dir, 'lock.json'))).toBe(true);
    const { head } = await openTestLog(dir);
    expect(head).toBeGreaterThan(0);
  });

  it('is named even when its owner did not say who it is', async () => {
    const dir = tempDir();
    await openTestLog(dir);
    writeFileSync(join(dir, 'lock.json'), 'not json');
    await expect(openSqliteLog({ dir })).rejects.toThrow('got one with an unknown process id');
  });
});

describe('a state directory', () => {
  it('that is a file is refused with the reason', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    for (const dir of [file, join(file, 'below')]) {
      await expect(openSqliteLog({ dir })).rejects.toMatchObject({ code: 'state-dir' });
      await expect(openSqliteLog({ dir })).rejects.toThrow(/^open the state directory ".+": expected to be allowed/);
    }
  });

  it('whose lock is no database is refused', async () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'lock.db'), 'something else '.repeat(1_000));
    await expect(openSqliteLog({ dir })).rejects.toMatchObject({ code: 'state-dir' });
  });
});
