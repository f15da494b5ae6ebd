/** Windows of local time: what people write, and what is wrong with it to the character. */
import { describe, expect, it } from 'vitest';
import { parseWindow } from '../../src/core/config/local-window.ts';

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

describe('parseWindow()', () => {
  it.each([
    ['mon-fri 08:00-18:00', [1, 2, 3, 4, 5], 480, 1080],
    ['daily 22:00-06:00', EVERY_DAY, 1320, 1800],
    ['sat,sun 10:00-22:30', [0, 6], 600, 1350],
    ['fri-mon 00:00-24:00', [0, 1, 5, 6], 0, 1440],
    ['mon-mon 23:59-00:00', [1], 1439, 1440],
    ['mon, wed-fri,sun 9:05-9:06', [0, 1, 3, 4, 5], 545, 546],
    ['  Mon - Fri   08:00 - 18:00 ', [1, 2, 3, 4, 5], 480, 1080],
    ['mon,daily 08:00-09:00', EVERY_DAY, 480, 540],
    ['mon,mon-tue 08:00-09:00', [1, 2], 480, 540],
    ['sat-sun08:00-09:00', [0, 6], 480, 540],
  ])('reads %j', (text, days, fromMin, toMin) => {
    expect(parseWindow(text)).toEqual({ window: { days, fromMin, toMin } });
  });

  const EXAMPLE = 'write for example "mon-fri 08:00-18:00" or "daily 22:00-06:00"';

  it.each([
    ['', 'expected a day, got nothing', EXAMPLE, ''],
    ['08:00-18:00', 'expected a day, got "08:00"', EXAMPLE, '08:00'],
    ['monday 08:00-18:00', 'unknown day "monday"', 'did you mean "mon"?', 'monday'],
    ['mon-fir 08:00-18:00', 'unknown day "fir"', 'did you mean "fri"?', 'fir'],
    ['mon-daily 08:00-18:00', 'unknown day "daily"', 'days are sun, mon, tue, wed, thu, fri, sat', 'daily'],
    ['weekdays 08:00-18:00', 'unknown day "weekdays"', 'days are sun, mon, tue, wed, thu, fri, sat, daily', 'weekdays'],
    ['mon-08:00-18:00', 'expected a day, got "08:00"', EXAMPLE, '08:00'],
    ['mon, 08:00-18:00', 'expected a day, got "08:00"', EXAMPLE, '08:00'],
    ['mon', 'expected a time such as 08:00, got nothing', null, ''],
    ['daily-fri 08:00-18:00', 'expected a time such as 08:00, got "-"', null, '-'],
    ['mon 8-18', 'expected a time such as 08:00, got "8"', null, '8'],
    ['mon 8am-6pm', 'expected a time such as 08:00, got "8am"', null, '8am'],
    ['mon 08:60-18:00', 'expected a time such as 08:00, got "08:60"', null, '08:60'],
    ['mon 24:00-06:00', 'expected a time such as 08:00, got "24:00"', null, '24:00'],
    ['mon 08:00', 'expected "-" and the end of the window, got nothing', null, ''],
    ['mon 08:00 18:00', 'expected "-" and the end of the window, got "18:00"', null, '18:00'],
    ['mon 08:00-', 'expected a time such as 18:00, got nothing', null, ''],
    ['mon 08:00-24:01', 'expected a time such as 18:00, got "24:01"', null, '24:01'],
    ['mon 08:00-18:00 UTC', 'expected the end of the text, got "UTC"', 'write several windows as a list', 'UTC'],
    ['mon 08:00-12:00, 13:00-18:00', 'expected the end of the text, got ","', 'write several windows as a list', ','],
    ['mon 08:00-8:00', 'the window begins and ends at the same time', 'write 00:00-24:00 for whole days', '08:00-8:00'],
  ])('refuses %j at its place', (text, problem, help, marked) => {
    const parsed = parseWindow(text);
    if (!('problem' in parsed)) throw new Error('it was accepted');
    expect([parsed.problem, parsed.help, text.slice(parsed.start, parsed.end)]).toEqual([problem, help, marked]);
    if (marked === '') expect(parsed.start).toBe(text.length);
  });
});
