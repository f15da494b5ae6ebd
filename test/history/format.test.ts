import { describe, expect, it } from 'vitest';
import {
  count,
  formatAbout,
  formatBytes,
  formatClock,
  formatDuration,
  formatMemory,
  formatMoment,
  formatSize,
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

  it.each([
    [0, 'under 1 s'],
    [499, 'under 1 s'],
    [500, 'about 1 s'],
    [38_400, 'about 38 s'],
    [59_499, 'about 59 s'],
    [59_999, 'about 1 min'],
    [92_000, 'about 1 min 30 s'],
    [3_597_000, 'about 1 h'],
    [7_140_000, 'about 1 h 59 min'],
  ])('writes an expectation of %i ms as %s', (ms, text) => {
    expect(formatAbout(ms)).toBe(text);
  });

  it('writes sizes as people do in configurations, by device where they are', () => {
    const gib = 1_024 ** 3;
    expect([formatSize(12 * gib), formatSize(11.84 * gib), formatSize(300 * 1_024 ** 2)]).toEqual([
      '12 GiB',
      '11.8 GiB',
      '300 MiB',
    ]);
    expect(formatMemory(8 * gib)).toBe('8 GiB');
    expect(formatMemory({ gpu0: 12 * gib, gpu1: 0, ram: 4 * gib })).toBe('12 GiB on gpu0 and 4 GiB on ram');
    expect(formatMemory({})).toBe('0 bytes');
    expect(formatBytes(1.5 * gib)).toBe('1.5 GiB');
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
    expect(inThePast('4 GiB are free: a and b leave (idle 4 min), c must leave, d comes first, e fits')).toBe(
      '4 GiB were free: a and b left (idle 4 min), c had to leave, d came first, e fitted',
    );
    expect(inThePast('qwen needs 30 GiB on gpu0, which has 24 GiB, and cannot come in')).toBe(
      'qwen needed 30 GiB on gpu0, which had 24 GiB, and could not come in',
    );
  });
});
