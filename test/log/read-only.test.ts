/** The command line reads a log while no server runs, and is told plainly when there is none or it is not whole. */
import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requestKey } from '../../src/core/ids.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { eventsFrom, openTestLog, positionsOf, publicId, readAll, tempDir } from './log-fixtures.ts';
import { startAppender } from './programs.ts';

async function writtenLog(): Promise<string> {
  const dir = tempDir();
  const { log } = await openTestLog(dir);
  log.putBlob('abc', 'text');
  log.append(eventsFrom(1, 30), true);
  await log.close();
  return dir;
}

async function openForReading(dir: string) {
  const log = await openLogForReading(dir);
  onTestFinished(() => log.close());
  return log;
}

describe('openLogForReading()', () => {
  it('reads all that a closed log holds', async () => {
    const log = await openForReading(await writtenLog());
    expect(log.head).toBe(30);
    expect(await readAll(log)).toEqual(eventsFrom(1, 30));
    expect(positionsOf(await log.read({ request: requestKey(4), reverse: true }))).toEqual([6, 5, 4]);
    expect(await log.findRequest(publicId(4))).toBe(4);
    expect(await log.findRequest('nobody')).toBeNull();
    expect(await log.getBlob('abc')).toBe('text');
    expect(await log.getBlob('abd')).toBeNull();
  });

  it('changes nothing that the next server would notice, and copies nothing', async () => {
    const dir = await writtenLog();
    const log = await openForReading(dir);
    await readAll(log);
    await log.close();
    expect(readdirSync(dir).filter((name) => !/^events\.db(-wal|-shm)?$|^head\.json$|^lock\.db$/.test(name))).toEqual(
      [],
    );
    const { head, replaced, warnings } = await openTestLog(dir);
    expect({ head, replaced, warnings }).toEqual({ head: 30, replaced: null, warnings: [] });
  });

  it('reads what a killed server left, and leaves it to the next one', async () => {
    const dir = tempDir();
    const appender = await startAppender(dir);
    await appender.afterCommits(5);
    const acknowledged = await appender.kill();
    const log = await openForReading(dir);
    expect(log.head).toBeGreaterThanOrEqual(acknowledged);
    expect(positionsOf(await readAll(log))).toEqual(Array.from({ length: log.head }, (_, index) => index + 1));
    await log.close();
    expect(existsSync(join(dir, 'events.db-wal'))).toBe(true);
    expect((await openTestLog(dir)).head).toBe(log.head);
  });

  it('reads beside a server that runs, up to where it was when it was opened', async () => {
    const dir = tempDir();
    const { log: live } = await openTestLog(dir);
    live.append(eventsFrom(1, 9), true);
    await live.flush();
    const log = await openForReading(dir);
    live.append(eventsFrom(10, 12), true);
    await live.flush();
    expect(positionsOf(await log.read({ reverse: true, limit: 1 }))).toEqual([9]);
  });

  it('says that there is no log', async () => {
    const dir = tempDir();
    const message = `read the event log in "${dir}": expected "events.db", got no such file`;
    await expect(openLogForReading(dir)).rejects.toMatchObject({ code: 'not-found', message });
    await expect(openLogForReading(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'not-found' });
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each([
    ['cut in half', (file: string) => truncateSync(file, 4096 * 3), /got damaged: /],
    ['garbage', (file: string) => writeFileSync(file, 'garbage '.repeat(999)), /got not-a-database: /],
    ['empty', (file: string) => truncateSync(file, 0), /got empty: the file has 0 bytes/],
    ['gone, with its head left', (file: string) => rmSync(file), /got missing: /],
  ])('refuses a log that is %s, and leaves it as it is', async (_, damage, message) => {
    const dir = await writtenLog();
    damage(join(dir, 'events.db'));
    const opening = openLogForReading(dir);
    await expect(opening).rejects.toMatchObject({ code: 'log-damaged' });
    await expect(opening).rejects.toThrow(message);
    expect(readdirSync(dir).filter((name) => name.includes('damaged'))).toEqual([]);
  });
});
