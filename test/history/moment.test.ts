/** Moments as people write them. The local zone of these tests is fixed: it has summer time, which 03:00 must survive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { positionOf, readMoment, readTime } from '../../src/core/history/moment.ts';

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = 'Europe/Berlin';
});
afterAll(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

/** 2026-11-22 13:30:00 in Berlin. */
const NOW = Date.UTC(2026, 10, 22, 12, 30);
const utcText = (text: string, utc: boolean, now = NOW) => {
  const moment = readMoment('--at', text, { now, utc });
  return 'time' in moment ? new Date(moment.time).toISOString() : moment;
};

describe('readMoment()', () => {
  it.each([
    ['now', '2026-11-22T12:30:00.000Z', '2026-11-22T12:30:00.000Z'],
    ['-2h', '2026-11-22T10:30:00.000Z', '2026-11-22T10:30:00.000Z'],
    ['2h', '2026-11-22T10:30:00.000Z', '2026-11-22T10:30:00.000Z'],
    ['90s ago', '2026-11-22T12:28:30.000Z', '2026-11-22T12:28:30.000Z'],
    ['-7d', '2026-11-15T12:30:00.000Z', '2026-11-15T12:30:00.000Z'],
    ['250ms', '2026-11-22T12:29:59.750Z', '2026-11-22T12:29:59.750Z'],
    ['03:00', '2026-11-22T03:00:00.000Z', '2026-11-22T02:00:00.000Z'],
    ['3:10:05', '2026-11-22T03:10:05.000Z', '2026-11-22T02:10:05.000Z'],
    ['13:00', '2026-11-21T13:00:00.000Z', '2026-11-22T12:00:00.000Z'],
    ['today 13:00', '2026-11-22T13:00:00.000Z', '2026-11-22T12:00:00.000Z'],
    ['yesterday 3:10', '2026-11-21T03:10:00.000Z', '2026-11-21T02:10:00.000Z'],
    ['Yesterday', '2026-11-21T00:00:00.000Z', '2026-11-20T23:00:00.000Z'],
    ['2026-11-20', '2026-11-20T00:00:00.000Z', '2026-11-19T23:00:00.000Z'],
    ['2026-11-20 03:10', '2026-11-20T03:10:00.000Z', '2026-11-20T02:10:00.000Z'],
    ['2026-11-20T03:10:00Z', '2026-11-20T03:10:00.000Z', '2026-11-20T03:10:00.000Z'],
    ['2026-11-20 03:10:00.250 +02:00', '2026-11-20T01:10:00.250Z', '2026-11-20T01:10:00.250Z'],
    ['2026-11-20 03:10:00 UTC', '2026-11-20T03:10:00.000Z', '2026-11-20T03:10:00.000Z'],
    ['1795350600000', '2026-11-22T12:30:00.000Z', '2026-11-22T12:30:00.000Z'],
  ])('reads "%s" in UTC and in local time', (text, inUtc, local) => {
    expect(utcText(text, true)).toBe(inUtc);
    expect(utcText(text, false)).toBe(local);
  });

  it('takes a clock time that has not been today for the one of yesterday, to the minute', () => {
    expect(utcText('12:30', true)).toBe('2026-11-22T12:30:00.000Z');
    expect(utcText('12:31', true)).toBe('2026-11-21T12:31:00.000Z');
  });

  it('means the clock on the wall on both sides of a change to summer time', () => {
    const afterChange = Date.UTC(2026, 2, 29, 10);
    expect(utcText('yesterday 3:10', false, afterChange)).toBe('2026-03-28T02:10:00.000Z');
    expect(utcText('3:10', false, afterChange)).toBe('2026-03-29T01:10:00.000Z');
  });

  it('takes small bare numbers for positions of the log', () => {
    expect(readMoment('--at', '48213', { now: NOW })).toEqual({ position: 48_213 });
    expect(readMoment('--at', '0', { now: NOW })).toEqual({ position: 0 });
  });

  it.each(['', ' ', 'noon', '25:00', '3:60', '3', '-2', '-2w', '2026-13-40', '2026-11-20T3:10', '1e3', '3:10 pm'])(
    'does not guess what "%s" means',
    (text) => {
      if (text === '3') expect(readMoment('--at', text, { now: NOW })).toEqual({ position: 3 });
      else {
        expect(() => readMoment('--at', text, { now: NOW })).toThrow(
          `read --at "${text}": expected a time (03:00, -2h, "yesterday 3:10", 2026-11-22T03:10) or a position of the log`,
        );
      }
    },
  );
});

describe('readTime()', () => {
  it('reads a time and refuses a position', () => {
    expect(readTime('--since', '24h', { now: NOW })).toBe(NOW - 86_400_000);
    expect(() => readTime('--since', '12', { now: NOW })).toThrow('read --since "12": expected a time such as 24h');
  });
});

describe('positionOf()', () => {
  it('asks the log for times only', async () => {
    const log = {
      positionAt: async (time: number) => time / 10,
      stateAt: () => Promise.reject(new Error('not asked')),
    };
    expect(await positionOf(log, { position: 7 })).toBe(7);
    expect(await positionOf(log, { time: 70 })).toBe(7);
  });
});
