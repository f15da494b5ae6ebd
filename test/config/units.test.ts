import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/core/config/nearest.ts';
import { DURATION, durationMs, SIZE, sizeBytes } from '../../src/core/config/units.ts';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['1m0.5s', 60_500],
  ])('%s is %i ms', (text, ms) => {
    expect(text).toMatch(DURATION);
    expect(durationMs(text)).toBe(ms);
  });

  it('may be a number of seconds', () => {
    expect([0, 1, 1.5].map(durationMs)).toEqual([0, 1_000, 1_500]);
  });

  it.each(['', '5', 's', '5 s', '-5s', '5sec', '1h 30m', '.5s', '5s,'])('%j is none', (text) => {
    expect(text).not.toMatch(DURATION);
  });
});

describe('sizes', () => {
  it.each([
    ['256MiB', 268_435_456],
    ['1 GB', 1_000_000_000],
    ['512k', 524_288],
    ['10kb', 10_000],
    ['1.5KiB', 1_536],
    ['1048576', 1_048_576],
    ['7B', 7],
  ])('%s is %i bytes', (text, bytes) => {
    expect(text).toMatch(SIZE);
    expect(sizeBytes(text)).toBe(bytes);
  });

  it('may be a number of bytes', () => {
    expect(sizeBytes(4_096)).toBe(4_096);
  });

  it.each(['', 'MiB', '-1k', '5 tons', '1TiB', '1  k'])('%j is none', (text) => {
    expect(text).not.toMatch(SIZE);
  });
});

describe('nearest()', () => {
  const known = ['concurrencyLimit', 'cmd', 'cmdStop', 'checkEndpoint', 'ttl', 'unloadTimeout', 'aliases'];

  it.each([
    ['concurency', 'concurrencyLimit'],
    ['concurrency', 'concurrencyLimit'],
    ['CMD', 'cmd'],
    ['cmdstop', 'cmdStop'],
    ['cmd_stop', 'cmdStop'],
    ['healthEndpoint', null],
    ['checkendpiont', 'checkEndpoint'],
    ['tll', 'ttl'],
    ['alias', 'aliases'],
    ['unload', 'unloadTimeout'],
    ['x', null],
    ['zzzz', null],
    ['', null],
    ['q'.repeat(5_000), null],
  ])('finds for %s: %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
