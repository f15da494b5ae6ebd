import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asksLastHour, noDemand, noteAsk } from '../../src/core/demand.ts';
import { LIMITS } from '../../src/core/limits.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 1_700_000_000_000;

function askedAt(...minutes: number[]) {
  const demand = noDemand();
  for (const minute of minutes) noteAsk(demand, START + minute * MINUTE);
  return { demand, lastHour: (minute: number) => asksLastHour(demand, START + minute * MINUTE) };
}

describe('the demand for a model', () => {
  it('is nothing before anybody asked', () => {
    expect(asksLastHour(noDemand(), START)).toBe(0);
  });

  it('counts what came within the last hour and forgets what is older', () => {
    const { lastHour } = askedAt(0, 1, 2, 30);
    expect(lastHour(31)).toBe(4);
    expect(lastHour(66)).toBe(1);
    expect(lastHour(96)).toBe(0);
    expect(lastHour(100_000)).toBe(0);
  });

  it('begins anew after a long silence', () => {
    const { demand, lastHour } = askedAt(0, 1, 2, 500);
    expect(lastHour(500)).toBe(1);
    expect(demand.counts).toHaveLength(12);
  });

  it('keeps the times of the last arrivals, newest last', () => {
    const { demand } = askedAt(...Array.from({ length: 20 }, (_, i) => i));
    expect(demand.recent).toEqual(
      Array.from({ length: LIMITS.demandRecent }, (_, i) => START + (20 - LIMITS.demandRecent + i) * MINUTE),
    );
  });

  it('is right to five minutes, whenever requests came', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 40 * MINUTE }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 2 * HOUR }), (waits, after) => {
        const demand = noDemand();
        const times: number[] = [];
        let at = START;
        for (const wait of waits) {
          at += wait;
          times.push(at);
          noteAsk(demand, at);
        }
        const now = at + after;
        const within = (ms: number) => times.filter((time) => time > now - ms).length;
        const counted = asksLastHour(demand, now);
        expect(counted).toBeLessThanOrEqual(within(HOUR));
        expect(counted).toBeGreaterThanOrEqual(within(HOUR - LIMITS.demandBucketMs));
      }),
    );
  });

  it('is whole numbers only, so that every machine folds the same', () => {
    const { demand } = askedAt(0, 7, 33);
    expect([...demand.counts, ...demand.recent, demand.bucket].every(Number.isInteger)).toBe(true);
  });
});
