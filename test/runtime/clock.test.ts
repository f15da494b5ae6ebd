/** turnout's clock goes by the monotonic one: what somebody does to the clock on the wall is noticed, and fires nothing. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { type Clock, realClock } from '../../src/core/runtime/clock.ts';

const START = Date.UTC(2026, 10, 22, 12);
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

let clock: Clock;
let steps: number[];

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  clock = realClock(0);
  steps = [];
  clock.onStep((byMs) => steps.push(byMs));
});
afterEach(() => {
  clock.close();
  vi.useRealTimers();
});

/** Somebody sets the clock on the wall; the monotonic clock goes on. */
const setWall = (byMs: number) => vi.setSystemTime(Date.now() + byMs);

describe('the clock', () => {
  it.each([
    ['an hour back', -HOUR],
    ['a year on', YEAR],
    ['from summer time, in a zone that is set wrongly', HOUR],
  ])('is not moved when the wall clock jumps %s: that is reported once', (_, byMs) => {
    let fired = 0;
    clock.wakeAt(START + 10 * 60_000, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(60_000);
    setWall(byMs);
    expect(clock.now()).toBe(START + 60_000);
    vi.advanceTimersByTime(2 * LIMITS.clockCheckMs);
    expect(steps).toEqual([byMs]);
    expect(clock.now()).toBe(START + 60_000 + 2 * LIMITS.clockCheckMs);
    expect(fired, 'a deadline ten minutes away').toBe(0);
    vi.advanceTimersByTime(10 * 60_000);
    expect(fired).toBe(1);
    expect(steps).toEqual([byMs]);
  });

  it('says nothing of a step of a second, as clocks that are kept right make', () => {
    setWall(900);
    vi.advanceTimersByTime(2 * LIMITS.clockCheckMs);
    expect(steps).toEqual([]);
  });

  it('never begins before the last event of the log', () => {
    const later = realClock(START + HOUR);
    expect(later.now()).toBe(START + HOUR);
    vi.advanceTimersByTime(5);
    expect(later.now()).toBe(START + HOUR + 5);
    later.close();
  });
});
