import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zoneOf } from '../../src/core/config/zone.ts';
import { localTime, nextWindowStart, offsetMinAt, windowEnd } from '../../src/core/local-time.ts';
import type { LocalWindow, Zone } from '../../src/core/settings.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = (iso: string) => Date.parse(iso);
const iso = (wall: number | null) => (wall === null ? null : new Date(wall).toISOString().replace('.000Z', 'Z'));

const utc: Zone = { name: 'UTC', offsets: [{ from: 0, offsetMin: 0 }] };
const YEAR = at('2026-01-01T00:00:00Z');
const berlin = zoneOf('Europe/Berlin', YEAR);
const newYork = zoneOf('America/New_York', YEAR);
const kathmandu = zoneOf('Asia/Kathmandu', YEAR);

const everyDay = [0, 1, 2, 3, 4, 5, 6];
const work: LocalWindow = { days: [1, 2, 3, 4, 5], fromMin: 8 * 60, toMin: 18 * 60 };
const night: LocalWindow = { days: everyDay, fromMin: 22 * 60, toMin: 30 * 60 };

describe('local time', () => {
  it.each([
    [utc, '2026-03-01T23:59:58Z', '2026-03-01T23:59:58+00:00', 0, 23],
    [berlin, '2026-01-31T23:30:00Z', '2026-02-01T00:30:00+01:00', 0, 0],
    [berlin, '2026-07-01T10:00:00Z', '2026-07-01T12:00:00+02:00', 3, 12],
    [newYork, '2026-01-01T04:59:00Z', '2025-12-31T23:59:00-05:00', 3, 23],
    [kathmandu, '2026-01-01T18:15:00Z', '2026-01-02T00:00:00+05:45', 5, 0],
  ])('in $name is a function of the moment and the zone alone', (zone, moment, written, weekday, hour) => {
    expect(localTime(zone, at(moment))).toMatchObject({ iso: written, weekday, hour });
  });

  it('changes its offset at the very moment at which clocks do', () => {
    const change = at('2026-03-29T01:00:00Z');
    expect(offsetMinAt(berlin, change - 1)).toBe(60);
    expect(offsetMinAt(berlin, change)).toBe(120);
    expect(localTime(berlin, change - 1_000).iso).toBe('2026-03-29T01:59:59+01:00');
    expect(localTime(berlin, change).iso).toBe('2026-03-29T03:00:00+02:00');
  });

  it('says the same as the machine, for every hour of a year', () => {
    const format = new Intl.DateTimeFormat('en', {
      timeZone: 'America/New_York',
      weekday: 'short',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
    });
    const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
    for (let wall = YEAR; wall < YEAR + 365 * DAY; wall += HOUR) {
      const { weekday, hour, minute } = localTime(newYork, wall);
      const parts = Object.fromEntries(format.formatToParts(wall).map(({ type, value }) => [type, value]));
      expect([days[weekday], hour, minute]).toEqual([parts['weekday'], Number(parts['hour']), Number(parts['minute'])]);
    }
  });
});

describe('a window of local time', () => {
  it.each<[string, LocalWindow[], Zone, string, string | null]>([
    ['holds from its begin', [work], utc, '2026-01-05T08:00:00Z', '2026-01-05T18:00:00Z'],
    ['does not hold before', [work], utc, '2026-01-05T07:59:59Z', null],
    ['does not hold at its end', [work], utc, '2026-01-05T18:00:00Z', null],
    ['holds on its days only', [work], utc, '2026-01-04T12:00:00Z', null],
    ['is told in the time of the zone', [work], berlin, '2026-01-05T07:30:00Z', '2026-01-05T17:00:00Z'],
    ['follows daylight saving', [work], berlin, '2026-07-06T06:30:00Z', '2026-07-06T16:00:00Z'],
    ['may run over midnight', [night], utc, '2026-01-05T23:00:00Z', '2026-01-06T06:00:00Z'],
    ['still holds after midnight', [night], utc, '2026-01-06T05:59:00Z', '2026-01-06T06:00:00Z'],
    [
      'that touches another goes on with it',
      [work, { days: [1], fromMin: 18 * 60, toMin: 20 * 60 }],
      utc,
      '2026-01-05T12:00:00Z',
      '2026-01-05T20:00:00Z',
    ],
    [
      'that overlaps another goes on with it, in whichever order they are written',
      [{ days: [1], fromMin: 17 * 60, toMin: 20 * 60 }, work],
      utc,
      '2026-01-05T12:00:00Z',
      '2026-01-05T20:00:00Z',
    ],
    ['that is not written holds never', [], utc, '2026-01-05T12:00:00Z', null],
  ])('%s', (_what, windows, zone, moment, end) => {
    expect(iso(windowEnd(windows, zone, at(moment)))).toBe(end);
  });

  it('of every day and hour never ends within a week', () => {
    const always = [{ days: everyDay, fromMin: 0, toMin: 24 * 60 }];
    expect((windowEnd(always, berlin, YEAR) as number) - YEAR).toBeGreaterThan(7 * DAY);
  });

  it.each<[string, Zone, string, string]>([
    ['east of Greenwich', berlin, '2026-03-28T12:00:00Z', '2026-03-29T01:30:00Z'],
    ['west of it', newYork, '2026-03-07T18:00:00Z', '2026-03-08T07:30:00Z'],
  ])('that begins in an hour which is skipped begins in the hour after, %s', (_where, zone, moment, begin) => {
    const window = { days: [0], fromMin: 150, toMin: 300 }; // 02:30 on Sunday
    expect(iso(nextWindowStart([window], zone, at(moment)))).toBe(begin);
    expect(localTime(zone, at(begin))).toMatchObject({ hour: 3, minute: 30 });
  });

  it.each<[string, Zone, string, string]>([
    ['east of Greenwich', berlin, '2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['west of it', newYork, '2026-10-31T18:00:00Z', '2026-11-01T05:30:00Z'],
  ])('that begins in an hour which comes twice begins the first time, %s', (_where, zone, moment, begin) => {
    const minutes = zone === berlin ? 150 : 90;
    expect(iso(nextWindowStart([{ days: [0], fromMin: minutes, toMin: 600 }], zone, at(moment)))).toBe(begin);
  });
});

describe('the next begin of a window', () => {
  it.each<[string, LocalWindow[], string, string | null]>([
    ['is later the same day', [work], '2026-01-05T07:00:00Z', '2026-01-05T08:00:00Z'],
    ['is never now', [work], '2026-01-05T08:00:00Z', '2026-01-06T08:00:00Z'],
    ['leaves out the days between', [work], '2026-01-02T19:00:00Z', '2026-01-05T08:00:00Z'],
    ['is the first of several', [work, night], '2026-01-03T12:00:00Z', '2026-01-03T22:00:00Z'],
    ['may be a week away', [{ days: [1], fromMin: 0, toMin: 1 }], '2026-01-05T00:00:00Z', '2026-01-12T00:00:00Z'],
    ['is none without windows', [], '2026-01-05T08:00:00Z', null],
  ])('%s', (_what, windows, moment, begin) => {
    expect(iso(nextWindowStart(windows, utc, at(moment)))).toBe(begin);
  });
});

describe('windows, at any moment of the year', () => {
  const window = fc
    .record({
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      fromMin: fc.integer({ min: 0, max: 1_439 }),
      lasts: fc.integer({ min: 1, max: 1_440 }),
    })
    .map(({ days, fromMin, lasts }): LocalWindow => ({ days, fromMin, toMin: fromMin + lasts }));
  const moment = fc.integer({ min: 2 * 24 * 60, max: 360 * 24 * 60 }).map((minutes) => YEAR + minutes * MINUTE);
  const zones = fc.constantFrom(utc, berlin, newYork, kathmandu);

  it('hold exactly when the clock on the wall says so (but in the hours in which clocks change)', () => {
    fc.assert(
      fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), zones, moment, (windows, zone, wall) => {
        fc.pre(offsetMinAt(zone, wall - 2 * DAY) === offsetMinAt(zone, wall + 2 * DAY));
        const { weekday, hour, minute } = localTime(zone, wall);
        const now = hour * 60 + minute;
        const holds = windows.some(({ days, fromMin, toMin }) =>
          [0, 1].some((ago) => {
            const shown = now + ago * 1_440;
            return days.includes((weekday - ago + 7) % 7) && fromMin <= shown && shown < toMin;
          }),
        );
        expect(windowEnd(windows, zone, wall) !== null).toBe(holds);
      }),
    );
  });

  it('hold until just before their end, and begin when they say that they do', () => {
    fc.assert(
      fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), zones, moment, (windows, zone, wall) => {
        const end = windowEnd(windows, zone, wall);
        const isOpenEnded = end !== null && end - wall > 7 * DAY; // such an end is only as far as one looks
        if (end !== null && !isOpenEnded) expect(windowEnd(windows, zone, end - 1)).toBe(end);
        const next = nextWindowStart(windows, zone, wall) as number;
        expect(next).toBeGreaterThan(wall);
        expect(windowEnd(windows, zone, next)).not.toBeNull();
      }),
    );
  });
});
