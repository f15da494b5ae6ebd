/** kill -9 at any moment loses nothing that was reported durable, and leaves no gap. */
import { expect, it } from 'vitest';
import { openTestLog, positionsOf, randomFrom, readAll, tempDir } from './log-fixtures.ts';
import { startAppender } from './programs.ts';

const KILLS = Number(process.env['TURNOUT_TEST_KILLS'] ?? 20);
const SEED = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);

it(`keeps every acknowledged event through ${KILLS} kills (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const random = randomFrom(SEED);
  const dir = tempDir();
  let acknowledged = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const appender = await startAppender(dir);
    expect(appender.head).toBeGreaterThanOrEqual(acknowledged);
    await appender.afterCommits(1 + Math.floor(random() * 30));
    acknowledged = await appender.kill();
  }
  const { log, head, replaced } = await openTestLog(dir);
  expect(replaced).toBeNull();
  expect(head).toBeGreaterThanOrEqual(acknowledged);
  const events = await readAll(log);
  expect(positionsOf(events)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  expect(events.every(({ position, data }) => 'count' in data && data.count === position)).toBe(true);
});
