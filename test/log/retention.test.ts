/** Old events leave by age and by size: the state stays, what is open keeps its causes, and no kill leaves half a log. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, fold } from '../../src/core/evolve.ts';
import { readHead } from '../../src/core/log/head-file.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import type { SqliteLogOptions } from '../../src/core/log/sqlite.ts';
import { until } from '../support/until.ts';
import { BUSY_START, busyLog } from './busy-events.ts';
import { openTestLog, positionsOf, randomFrom, readAll, tempDir } from './log-fixtures.ts';
import { startTrimmer } from './programs.ts';

const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
const KILLS = Number(process.env['TURNOUT_TEST_KILLS'] ?? 6);
const STEP_MS = 1_000;
const DAY_MS = 86_400_000;
const limits = { logSnapshotEvents: 100, logSnapshotGapMs: 1, logTrimRowsFirst: 20, logTrimPages: 4 };

const timeOf = (position: number) => BUSY_START + position * STEP_MS + 0.25;

/** A log of so many events, one a second, written in commits of ten. */
async function filled(count: number, options: Omit<SqliteLogOptions, 'dir'> & { open?: number } = {}) {
  const { open = 0, ...rest } = options;
  const dir = tempDir();
  const opened = await openTestLog(dir, { ...rest, limits: { ...limits, ...rest.limits } });
  const events = busyLog(count, { stepMs: STEP_MS, open });
  for (let from = 0; from < count; from += 10) {
    opened.log.append(events.slice(from, from + 10), true);
    await opened.log.flush();
  }
  return { dir, events, ...opened };
}

/** The log holds a state at some position and every event behind it, and leads to the state that all events led to. */
async function expectWhole(dir: string, events: readonly TurnoutEvent[]): Promise<number> {
  const log = await openLogForReading(dir);
  onTestFinished(() => log.close());
  const kept = await readAll(log);
  const base = kept[0]!.position;
  expect(kept[0]?.type).toBe('log.rebased');
  expect(kept.slice(1)).toEqual(events.slice(base, log.head));
  expect(canonical(fold(kept, emptyState()))).toBe(canonical(fold(events.slice(0, log.head))));
  expect(canonical(await log.stateAt(log.head))).toBe(canonical(fold(events.slice(0, log.head))));
  return base;
}

describe('events that are too old', () => {
  it('leave: the log begins with the state that they had led to', async () => {
    const now = timeOf(600) + 2 * DAY_MS;
    const { dir, events, log, upkeep } = await filled(1_000, { now: () => now });
    upkeep.retain({ days: 2, bytesMax: null });
    await until('events to leave', async () => (await log.read({ limit: 1 }))[0]?.type === 'log.rebased');
    expect(await upkeep.compact()).toMatchObject({ base: 600, stopped: null });
    const [first, ...rest] = await readAll(log);
    expect(first).toMatchObject({ position: 600, at: timeOf(600), data: { stateVersion: 1 } });
    expect(rest).toEqual(events.slice(600));
    for (const position of [600, 601, 750, 1_000]) {
      expect(canonical(await log.stateAt(position))).toBe(canonical(fold(events.slice(0, position))));
    }
    await expect(log.stateAt(599)).rejects.toThrow(
      'fold the event log up to event 599: it begins with event 600, what was before has left',
    );
    expect(await log.positionAt(timeOf(300))).toBe(599);
    expect(await log.findRequest('req_1-3')).toBeNull();
    await log.close();
    expect(await expectWhole(dir, events)).toBe(600);
  });

  it('leave again as time goes by, and the log goes on between', async () => {
    let now = timeOf(200) + DAY_MS;
    const { dir, events, log, upkeep } = await filled(500, { now: () => now, limits: { logRetentionCheckMs: 20 } });
    upkeep.retain({ days: 1, bytesMax: null });
    const begin = async () => (await log.read({ limit: 1 }))[0]?.position;
    await until('the first to leave', async () => (await begin()) === 200);
    now = timeOf(410) + DAY_MS;
    await until('the next to leave', async () => (await begin()) === 410);
    const more = busyLog(560, { stepMs: STEP_MS, open: 0 });
    log.append(more.slice(500), true);
    await log.flush();
    await log.close();
    expect(await expectWhole(dir, more)).toBe(410);
    const again = await openTestLog(dir, { limits });
    expect(again).toMatchObject({ head: 560, replaced: null, warnings: [] });
    expect(canonical(await again.log.stateAt(300 + 150))).toBe(canonical(fold(events.slice(0, 450))));
  });

  it('stay for ever when they are to', async () => {
    const { events, log, upkeep } = await filled(300, { now: () => timeOf(300) + 10_000 * DAY_MS });
    upkeep.retain({ days: 0, bytesMax: null });
    await upkeep.compact();
    expect(await readAll(log)).toEqual(events);
  });

  it('leave all of them, when nothing has happened for long', async () => {
    const { dir, events, log, upkeep } = await filled(300, { now: () => timeOf(300) + 3 * DAY_MS });
    upkeep.retain({ days: 1, bytesMax: null });
    expect(await upkeep.compact()).toMatchObject({ base: 300 });
    expect(await readAll(log)).toHaveLength(1);
    expect(readHead(join(dir, 'head.json'))).toMatchObject({ position: 300 });
    await log.close();
    const again = await openTestLog(dir, { limits });
    expect(again).toMatchObject({ head: 300, replaced: null, warnings: [] });
    const more = busyLog(330, { stepMs: STEP_MS, open: 0 }).slice(300);
    again.log.append(more, true);
    await again.log.flush();
    expect(canonical(await again.log.stateAt(330))).toBe(canonical(fold([...events, ...more])));
    await again.log.close();
    expect(await expectWhole(dir, [...events, ...more])).toBe(300);
  });
});

describe('a log that is too large', () => {
  it('loses its oldest events, and the file becomes smaller', async () => {
    const { dir, events, log: first } = await filled(3_000);
    await first.close();
    const before = sizeOf(dir);
    const bytesMax = Math.round(before / 2);
    const { log, upkeep } = await openTestLog(dir, { limits });
    upkeep.retain({ days: 0, bytesMax });
    await upkeep.compact();
    expect(sizeOf(dir)).toBeLessThanOrEqual(bytesMax);
    expect(sizeOf(dir)).toBeGreaterThan(bytesMax / 3);
    await log.close();
    expect(await expectWhole(dir, events)).toBeGreaterThan(1_000);
  });

  it('gives back what is free in it when that is asked for, and says how much', async () => {
    const { dir, log: first } = await filled(3_000);
    await first.close();
    const { log, upkeep } = await openTestLog(dir, { limits: { ...limits, logFreeShareMax: 1 } });
    upkeep.retain({ days: 0, bytesMax: Math.round(sizeOf(dir) / 2) });
    await until('events to leave', async () => (await log.read({ limit: 1 }))[0]?.type === 'log.rebased');
    const before = sizeOf(dir);
    upkeep.retain({ days: 0, bytesMax: null });
    const { freedBytes } = await upkeep.compact();
    expect(freedBytes).toBeGreaterThan(before / 4);
    expect(sizeOf(dir)).toBeLessThan(before * 0.75);
  });

  it('is found so while it grows, without being asked', async () => {
    const { dir, log, upkeep } = await filled(10);
    upkeep.retain({ days: 0, bytesMax: 300_000 });
    const events = busyLog(6_000, { stepMs: STEP_MS, open: 0 });
    for (let from = 10; from < 6_000; from += 50) {
      log.append(events.slice(from, from + 50), true);
      await log.flush();
    }
    await until('room again', async () => {
      await upkeep.compact();
      return sizeOf(dir) < 300_000;
    });
    await log.close();
    await expectWhole(dir, events);
  });
});

describe('what is open', () => {
  it('keeps the events that it began with, for a day', async () => {
    let now = timeOf(500) + DAY_MS / 2;
    const { log, events, upkeep } = await filled(500, { open: 3, now: () => now });
    const oldest = events.find(({ type }) => type === 'request.arrived')!.position;
    upkeep.retain({ days: 0, bytesMax: 1 });
    await upkeep.compact();
    expect((await log.read({ limit: 1 }))[0]?.position).toBeLessThan(oldest);
    now = timeOf(500) + 2 * DAY_MS;
    await upkeep.compact();
    const [first] = await log.read({ limit: 1 });
    expect(first).toMatchObject({ position: 500, type: 'log.rebased' });
    expect((await log.stateAt(500)).requests.size).toBe(fold(events).requests.size);
    expect(fold(events).requests.size).toBeGreaterThanOrEqual(3);
  });
});

describe('a base', () => {
  it('that is not what was stored is damage', async () => {
    for (const sql of [
      "UPDATE events SET data = replace(data, 'config-1', 'config-2') WHERE position = 600",
      'DELETE FROM events WHERE position = 600',
      "DELETE FROM meta WHERE key = 'proof'",
      "UPDATE meta SET value = 590 WHERE key = 'base'",
    ]) {
      const { dir, log, upkeep } = await filled(1_000, { now: () => timeOf(600) + DAY_MS });
      upkeep.retain({ days: 1, bytesMax: null });
      await upkeep.compact();
      await log.close();
      const db = new Database(join(dir, 'events.db'));
      const triggers = db.prepare<[], [string, string]>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
      const all = triggers.raw().all();
      for (const [name] of all) db.exec(`DROP TRIGGER ${name}`);
      db.exec(sql);
      for (const [, text] of all) db.exec(text);
      db.close();
      const { replaced } = await openTestLog(dir);
      expect(replaced?.reason, sql).toMatch(/^damaged: /);
    }
  });
});

describe('kill -9 while events leave', () => {
  const grown = () => busyLog(20_000);

  async function killed(dir: string, how: Parameters<typeof startTrimmer>[1]) {
    const trimmer = await startTrimmer(dir, how);
    return trimmer;
  }

  it('leaves a whole log before every step, and the next start goes on', { timeout: 240_000 }, async () => {
    const events = grown();
    let steps = 0;
    for (let step = 1; ; step *= 2) {
      const dir = await filledForKill(events.slice(0, 400));
      const trimmer = await killed(dir, { step });
      const { done, acknowledged } = await trimmer.ended;
      await expectGoesOn(dir, events, acknowledged);
      if (done) break;
      steps = step;
    }
    expect(steps).toBeGreaterThan(20);
  });

  it(`leaves a whole log at ${KILLS} random moments (seed ${SEED})`, { timeout: 240_000 }, async () => {
    const events = grown();
    const random = randomFrom(SEED);
    const dir = await filledForKill(events.slice(0, 400));
    for (let kill = 0; kill < KILLS; kill += 1) {
      const trimmer = await killed(dir, { step: 0 });
      await trimmer.afterCommits(1 + Math.floor(random() * 40));
      const acknowledged = await trimmer.kill();
      await expectGoesOn(dir, events, acknowledged);
    }
  });

  async function filledForKill(events: readonly TurnoutEvent[]): Promise<string> {
    const dir = tempDir();
    const { log } = await openTestLog(dir, { limits });
    for (let from = 0; from < events.length; from += 10) {
      log.append(events.slice(from, from + 10), true);
      await log.flush();
    }
    await log.close();
    return dir;
  }

  /** Every event from some base on is there, up to one that is at least what was acknowledged. */
  async function expectGoesOn(dir: string, events: readonly TurnoutEvent[], acknowledged: number): Promise<void> {
    const { log, head, replaced, warnings } = await openTestLog(dir, { limits });
    expect({ replaced, warnings }).toEqual({ replaced: null, warnings: [] });
    expect(head).toBeGreaterThanOrEqual(acknowledged);
    const positions = positionsOf(await readAll(log));
    const [first = 0] = positions;
    expect(positions).toEqual(Array.from({ length: head - first + 1 }, (_, index) => first + index));
    expect(canonical(await log.stateAt(head))).toBe(canonical(fold(events.slice(0, head))));
    await log.close();
  }
});

const sizeOf = (dir: string) => statSync(join(dir, 'events.db')).size;
