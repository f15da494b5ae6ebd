import { describe, expect, it } from 'vitest';
import {
  count,
  formatBytes,
  formatClock,
  formatDuration,
  formatMoment,
  inThePast,
  list,
} from '../../src/core/history/format.ts';
import { NOON } from './story.ts';

describe('format', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min'],
    [252_000, '4 min 12 s'],
    [3_599_700, '1 h'],
    [7_500_000, '2 h 5 min'],
    [90_000_000, '1 d 1 h'],
    [-1_500, '-1.5 s'],
  ])('writes %i ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('writes local time with its offset, and UTC when asked', () => {
    expect(formatMoment(NOON, { utc: true })).toBe('2026-11-22 12:00:00.000 UTC');
    expect(formatClock(NOON + 1_234, { utc: true })).toBe('12:00:01.234');
    const local = formatMoment(NOON);
    expect(local).toMatch(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:00\.000 [+-]\d{2}:\d{2}$/);
    expect(Date.parse(local.replace(' ', 'T').replace(' ', ''))).toBe(NOON);
  });

  it('writes bytes, counts and lists as people do', () => {
    expect([formatBytes(1), formatBytes(1_536), formatBytes(20 * 1_024 * 1_024)]).toEqual([
      '1 byte',
      '1.5 KiB',
      '20.0 MiB',
    ]);
    expect([count(1, 'request'), count(12_000, 'token')]).toEqual(['1 request', '12,000 tokens']);
    expect([list([]), list(['a']), list(['a', 'b']), list(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });

  it('puts recorded reasons into the past', () => {
    expect(inThePast('llama is busy with 2 requests, gemma stays for its minimum residency')).toBe(
      'llama was busy with 2 requests, gemma stayed for its minimum residency',
    );
  });
});
