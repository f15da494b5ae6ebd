/** `turnout log stat | compact | backup | restore`: what they say, what they refuse, and that nothing is left half done. */
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { logBackup } from '../../src/cli/commands/log-backup.ts';
import { createProgress, interruptible } from '../../src/cli/commands/log-common.ts';
import { compactionText, logCompact } from '../../src/cli/commands/log-compact.ts';
import { logRestore } from '../../src/cli/commands/log-restore.ts';
import { logStat, statText } from '../../src/cli/commands/log-stat.ts';
import { canonical } from '../../src/core/canonical.ts';
import { fold } from '../../src/core/evolve.ts';
import { openLogFile, openLogForReading } from '../../src/core/log/read-only.ts';
import { backupLog, restoreLog } from '../../src/core/log/sqlite-backup.ts';
import { statLog } from '../../src/core/log/sqlite-stat.ts';
import { busyLog } from './busy-events.ts';
import { openTestLog, readAll, tempDir } from './log-fixtures.ts';

const EVENTS = busyLog(1_000);
const never = () => ({ signal: new AbortController().signal, onProgress: () => {} });
let out: string[];
let exitCode: typeof process.exitCode;

beforeEach(() => {
  out = [];
  exitCode = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.stubEnv('TURNOUT_URL', '');
  vi.stubEnv('XDG_RUNTIME_DIR', tempDir());
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = exitCode;
});

const printed = () => out.join('');

async function running(count = EVENTS.length) {
  const dir = tempDir();
  const opened = await openTestLog(dir, { limits: { logSnapshotEvents: 200, logSnapshotGapMs: 1 } });
  for (let from = 0; from < count; from += 50) {
    opened.log.append(EVENTS.slice(from, Math.min(count, from + 50)), true);
    await opened.log.flush();
  }
  return { dir, ...opened };
}

async function closed(count?: number): Promise<string> {
  const { dir, log } = await running(count);
  await log.close();
  return dir;
}

describe('turnout log stat', () => {
  it('says what a log holds and what takes the room, also while it is written', async () => {
    const { dir } = await running();
    const stat = statLog(dir);
    expect(stat).toMatchObject({ events: 1_000, commits: 20, rebasedAt: null, leaving: 0 });
    expect(stat.head).toBeGreaterThan(0); // written behind the commits
    expect(stat.first).toEqual({ position: 1, at: EVENTS[0]?.at });
    expect(stat.last).toEqual({ position: 1_000, at: EVENTS[999]?.at });
    const arrived = EVENTS.filter(({ type }) => type === 'request.arrived');
    const bytes = arrived.reduce((sum, { data }) => sum + JSON.stringify(data).length, 0);
    expect(stat.byType).toContainEqual({ type: 'request.arrived', events: arrived.length, bytes });
    expect(stat.byTable.map(({ table }) => table)).toEqual(
      expect.arrayContaining(['events', 'events_model', 'events_request', 'commits', 'snapshots']),
    );
    await logStat({ stateDir: dir, utc: true });
    expect(printed()).toContain(`file       ${join(dir, 'events.db')}\n`);
    expect(printed()).toMatch(/^events +1,000 \(1 to 1000\), 2026-01-01 00:00:00\.007 UTC to .+, 7\.0 s$/m);
    expect(printed()).toMatch(/^begins +with its first event: none has left$/m);
    expect(printed()).toMatch(/^request\.arrived +\d+ +\d+\.\d KiB +\d+ %$/m);
  });

  it('prints JSON', async () => {
    const dir = await closed();
    await logStat({ stateDir: dir, json: true });
    expect(JSON.parse(printed())).toEqual(statLog(dir));
  });

  it('says what has left, and what could be given back', async () => {
    const { dir, log, upkeep } = await running();
    await upkeep.compact({ days: 0, bytesMax: 1 });
    await log.close();
    const stat = statLog(dir);
    const { rebasedAt } = stat;
    expect(rebasedAt).toBeGreaterThan(1);
    expect(stat.first?.position).toBe(rebasedAt);
    const text = statText({ ...stat, freeBytes: stat.fileBytes / 2, leaving: 7 });
    expect(text).toContain(`with the state after event ${rebasedAt}: the events before have left`);
    expect(text).toMatch(/^free .+\(50 %\); "turnout log compact" gives it back$/m);
    expect(text).toMatch(/^leaving +7 events that still take room$/m);
  });

  it('says that there is no log, or that it is not one of ours', async () => {
    const dir = tempDir();
    await expect(logStat({ stateDir: dir })).rejects.toMatchObject({
      code: 'not-found',
      message: `read the event log in "${dir}": expected "events.db", got no such file`,
    });
    writeFileSync(join(dir, 'events.db'), 'garbage '.repeat(1_000));
    await expect(logStat({ stateDir: dir })).rejects.toMatchObject({ code: 'log-damaged' });
  });
});

describe('turnout log backup', () => {
  it('copies a log that is being written, as it was at one moment, and proves the copy', async () => {
    const { dir, log } = await running(500);
    let next = 500;
    const more = setInterval(() => log.append([EVENTS[next++]!], true), 1);
    const file = join(tempDir(), 'backup.db');
    await logBackup(file, { stateDir: dir });
    clearInterval(more);
    expect(printed()).toMatch(/backup\.db holds the event log up to event \d+ \(.+ KiB\) and is intact\n$/);
    const copy = await openLogFile(file);
    onTestFinished(() => copy.close());
    expect(copy.head).toBeGreaterThanOrEqual(500);
    expect(await readAll(copy)).toEqual(EVENTS.slice(0, copy.head));
    expect(canonical(await copy.stateAt(copy.head))).toBe(canonical(fold(EVENTS.slice(0, copy.head))));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('never overwrites a file', async () => {
    const dir = await closed();
    const file = join(dir, 'taken');
    writeFileSync(file, 'mine');
    await expect(logBackup(file, { stateDir: dir })).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('says where it cannot write', async () => {
    const dir = await closed();
    const file = join(dir, 'nowhere', 'backup.db');
    await expect(logBackup(file, { stateDir: dir })).rejects.toMatchObject({ code: 'state-dir' });
  });

  it('refuses a log that is damaged or has lost events, and leaves no file', async () => {
    const damaged = await closed();
    truncateSync(join(damaged, 'events.db'), 4096 * 4);
    const short = await closed(500);
    writeFileSync(join(short, 'head.json'), readFileSync(join(await closed(550), 'head.json')));
    for (const dir of [damaged, short]) {
      const target = tempDir();
      await expect(logBackup(join(target, 'backup.db'), { stateDir: dir })).rejects.toMatchObject({
        code: 'log-damaged',
      });
      expect(readdirSync(target)).toEqual([]);
    }
  });

  it('leaves nothing behind when it is stopped, whether it copies or checks', async () => {
    const dir = await closed();
    for (const when of ['copying', 'checking'] as const) {
      const target = tempDir();
      const stop = new AbortController();
      const onProgress = (what: string) => what === when && stop.abort();
      const stopped = backupLog(dir, join(target, 'backup.db'), { signal: stop.signal, onProgress });
      await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
      expect(readdirSync(target)).toEqual([]);
    }
  });
});

describe('turnout log restore', () => {
  async function backup(count: number): Promise<string> {
    const file = join(tempDir(), 'backup.db');
    await backupLog(await closed(count), file, never());
    return file;
  }

  it('puts a backup in the place of the log, which is kept', async () => {
    const file = await backup(400);
    const dir = await closed(900);
    await logRestore(file, { stateDir: dir, json: true });
    const { position, movedTo } = JSON.parse(printed()) as { position: number; movedTo: string };
    expect(position).toBe(400);
    expect(movedTo).toMatch(/\/events\.db\.before-restore-\w+$/);
    const old = await openLogFile(movedTo);
    onTestFinished(() => old.close());
    expect(old.head).toBe(900);
    const { log, head, replaced, warnings } = await openTestLog(dir);
    expect({ head, replaced, warnings }).toEqual({ head: 400, replaced: null, warnings: [] });
    expect(canonical(await log.stateAt(400))).toBe(canonical(fold(EVENTS.slice(0, 400))));
    log.append(EVENTS.slice(400, 450), true);
    await log.flush();
    expect(log.durable).toBe(450);
  });

  it('makes a log where there is none', async () => {
    const dir = join(tempDir(), 'new');
    await logRestore(await backup(400), { stateDir: dir });
    expect(printed()).toBe(`the event log in ${dir} is the backup now, up to event 400\n`);
    expect(readdirSync(dir).toSorted()).toEqual(['events.db', 'head.json', 'lock.db']);
  });

  it('refuses while a turnout uses the log, and names it', async () => {
    const { dir, log } = await running(100);
    const refused = logRestore(await backup(400), { stateDir: dir });
    await expect(refused).rejects.toMatchObject({ code: 'log-locked' });
    await expect(refused).rejects.toThrow(`process id ${process.pid}`);
    expect(log.durable).toBe(100);
  });

  it('refuses what is no whole log, and leaves the log as it was', async () => {
    const dir = await closed(300);
    const damaged = await backup(400);
    truncateSync(damaged, 4096 * 4);
    const garbage = join(tempDir(), 'garbage');
    writeFileSync(garbage, 'garbage '.repeat(1_000));
    for (const [file, code] of [
      [damaged, 'log-damaged'],
      [garbage, 'log-damaged'],
      [join(dir, 'nowhere'), 'not-found'],
    ] as const) {
      await expect(logRestore(file, { stateDir: dir }), file).rejects.toMatchObject({ code });
    }
    expect(readdirSync(dir).filter((name) => !/^(events\.db|head\.json|lock\.db)$/.test(name))).toEqual([]);
    const log = await openLogForReading(dir);
    onTestFinished(() => log.close());
    expect(log.head).toBe(300);
  });

  it('changes nothing when it is stopped', async () => {
    const dir = await closed(300);
    const stop = new AbortController();
    const onProgress = (what: string) => what === 'checking' && stop.abort();
    const stopped = restoreLog(dir, await backup(400), { signal: stop.signal, onProgress });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(dir).toSorted()).toEqual(['events.db', 'head.json', 'lock.db']);
    expect((await openTestLog(dir)).head).toBe(300);
  });
});

describe('turnout log compact', () => {
  it('lets old events go in the file when no turnout runs', async () => {
    const dir = await closed();
    await logCompact({ stateDir: dir, maxBytes: '1' });
    expect(printed()).toMatch(/^\d{3} events left, the log begins with event \d+; .+ were given back\n$/);
    const log = await openLogForReading(dir);
    onTestFinished(() => log.close());
    expect(log.head).toBe(1_000);
    expect((await log.read({ limit: 1 }))[0]?.type).toBe('log.rebased');
  });

  it('keeps every event when it is not told otherwise', async () => {
    const dir = await closed();
    await logCompact({ stateDir: dir, json: true });
    expect(JSON.parse(printed())).toMatchObject({ base: 0, events: 0, stopped: null });
    expect(statLog(dir).events).toBe(1_000);
  });

  it('leaves a damaged log alone', async () => {
    const dir = await closed();
    truncateSync(join(dir, 'events.db'), 4096 * 4);
    await expect(logCompact({ stateDir: dir })).rejects.toMatchObject({ code: 'log-damaged' });
    expect(existsSync(join(dir, 'events.db'))).toBe(true);
  });

  it('asks the turnout that runs', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(JSON.stringify({ base: 5, events: 4, freedBytes: 2_048, stopped: null }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await logCompact({ url });
    expect(asked).toEqual(['POST /api/log/compact']);
    expect(printed()).toBe('4 events left, the log begins with event 5; 2.0 KiB were given back\n');
    await expect(logCompact({ url, days: '3' })).rejects.toMatchObject({ code: 'usage' });
  });

  it('refuses figures that are none', async () => {
    const stateDir = tempDir();
    await expect(logCompact({ stateDir, days: 'x' })).rejects.toThrow('read --days "x": expected a number of days');
    await expect(logCompact({ stateDir, maxBytes: 'much' })).rejects.toThrow('expected a size like 500MiB');
  });

  it('says why it stopped early', () => {
    const text = compactionText({ base: 0, events: 0, freedBytes: 0, stopped: 'disk-full: no room' });
    expect(text).toBe('no event had to leave; no room was free; it stopped early: disk-full: no room');
  });
});

describe('long work', () => {
  it('is ended by Ctrl-C, with the exit code of it', async () => {
    const result = await interruptible(async (signal) => {
      process.emit('SIGINT');
      signal.throwIfAborted();
    });
    expect(result).toBeNull();
    expect(process.exitCode).toBe(130);
    expect(printed()).toBe('turnout: stopped, nothing was changed\n');
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it('shows how far it is to a terminal, and takes the line away', () => {
    const lines: string[] = [];
    const write = (text: string) => lines.push(text) > 0;
    const progress = createProgress({ isTTY: true, write } as unknown as NodeJS.WriteStream);
    progress.show('half');
    progress.show('too soon for another');
    progress.end();
    expect(lines).toEqual(['\rhalf\u001b[K', '\r\u001b[K']);
    const silent = createProgress({ isTTY: false, write } as unknown as NodeJS.WriteStream);
    silent.show('half');
    silent.end();
    expect(lines).toHaveLength(2);
  });
});
