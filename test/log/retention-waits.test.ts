/**
 * No append waits over 20 ms because old events leave: the longest wait for a commit, beside that of the same appends to
 * a log that only grows. What a busy machine adds is in both; the smallest difference of a few rounds counts.
 */
import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { fold } from '../../src/core/evolve.ts';
import type { OpenedLog } from '../../src/core/log/log.ts';
import { busyLog } from './busy-events.ts';
import { openTestLog, tempDir } from './log-fixtures.ts';

const WAIT_MS = 20;
const ROUNDS = 5;
const FILLED = 40_000;
const APPENDS = 150;
const events = busyLog(FILLED + 2 * APPENDS);

async function filled(): Promise<OpenedLog> {
  const opened = await openTestLog(tempDir());
  for (let from = 0; from < FILLED; from += 200) {
    opened.log.append(events.slice(from, from + 200), true);
    await opened.log.flush();
  }
  return opened;
}

/** The longest time from handing over an event to its being durable, of appends that each wait for the one before. */
async function longestWait({ log }: OpenedLog, from: number): Promise<number> {
  let longest = 0;
  for (const event of events.slice(from, from + APPENDS)) {
    const began = performance.now();
    log.append([event], true);
    await log.flush();
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
}

describe('a log from which old events leave', { timeout: 120_000 }, () => {
  it(`keeps no append waiting over ${WAIT_MS} ms longer than one that only grows`, async () => {
    let least = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS && least > WAIT_MS; round++) {
      const opened = await filled();
      const alone = await longestWait(opened, FILLED);
      const leaving = opened.upkeep.compact({ days: 0, bytesMax: 2 * 1024 * 1024 });
      const beside = await longestWait(opened, FILLED + APPENDS);
      const { events: left, stopped } = await leaving;
      expect(left).toBeGreaterThan(FILLED / 2);
      expect(stopped).toBeNull();
      const { log } = opened;
      expect(canonical(await log.stateAt(log.durable))).toBe(canonical(fold(events)));
      await log.close();
      least = Math.min(least, beside - alone);
    }
    expect(least).toBeLessThan(WAIT_MS);
  });
});
