/**
 * How explanations write times, durations, counts and lists. Local time with its offset, or UTC; never a bare number of
 * milliseconds. Must not know any event.
 */
import type { Memory } from '../settings.ts';

export interface TimeStyle {
  /** Times in UTC instead of local time. */
  utc?: boolean;
}

/** `2026-11-22 12:03:11.204 +01:00`, or `… 11:03:11.204 UTC`. */
export function formatMoment(at: number, style: TimeStyle = {}): string {
  const { date, time, zone } = partsOf(at, style);
  return `${date} ${time} ${zone}`;
}

/** `12:03:11.204`, for moments whose day and zone were just said. */
export function formatClock(at: number, style: TimeStyle = {}): string {
  return partsOf(at, style).time;
}

/** `320 ms`, `1.1 s`, `4 min 12 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return two(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `about 40 s`, or `under 1 s`. */
export function formatAbout(ms: number): string {
  return ms < 500 ? formatRough(ms) : `about ${formatRough(ms)}`;
}

/** `40 s`, `1 min 30 s`, `2 h 5 min`: an expectation, which must not look more exact than it is. */
export function formatRough(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 1) return 'under 1 s';
  if (seconds < 60) return `${seconds} s`;
  return formatDuration(Math.round(ms / 10_000) * 10_000);
}

/** `512 bytes`, `1.5 KiB`, `20.0 MiB`, `11.8 GiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return count(bytes, 'byte');
  if (bytes < 1_024 * 1_024) return `${(bytes / 1_024).toFixed(1)} KiB`;
  if (bytes < 1_024 ** 3) return `${(bytes / 1_024 / 1_024).toFixed(1)} MiB`;
  return `${(bytes / 1_024 ** 3).toFixed(1)} GiB`;
}

/** `12 GiB`, `11.8 GiB`: what a model or a device has, as people write it in a configuration. */
export function formatSize(bytes: number): string {
  return formatBytes(bytes).replace('.0 ', ' ');
}

/** `12 GiB`, or by device `12 GiB on gpu0 and 4 GiB on ram`. */
export function formatMemory(memory: Memory): string {
  if (typeof memory === 'number') return formatSize(memory);
  const parts = Object.entries(memory).filter(([, bytes]) => bytes > 0);
  if (parts.length === 0) return formatSize(0);
  return list(parts.map(([device, bytes]) => `${formatSize(bytes)} on ${device}`));
}

/** `1 request`, `2 requests`, `12,000 tokens`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(words: readonly string[], last = 'and'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

const PAST: Record<string, string> = {
  are: 'were',
  cannot: 'could not',
  come: 'came',
  comes: 'came',
  fits: 'fitted',
  gets: 'got',
  has: 'had',
  have: 'had',
  is: 'was',
  keeps: 'kept',
  leave: 'left',
  leaves: 'left',
  must: 'had to',
  needs: 'needed',
  stands: 'stood',
  stays: 'stayed',
  takes: 'took',
  waits: 'waited',
};

/** These words, but not as infinitives. */
const PRESENT = new RegExp(`(?<!\\b(?:must|to|cannot|not) )\\b(?:${Object.keys(PAST).join('|')})\\b`, 'g');

/** Reasons are recorded while they hold; told afterwards they are in the past. */
export function inThePast(reason: string): string {
  return reason.replace(PRESENT, (verb) => PAST[verb] ?? verb);
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

function partsOf(at: number, style: TimeStyle): { date: string; time: string; zone: string } {
  const offsetMin = style.utc === true ? 0 : -new Date(at).getTimezoneOffset();
  const [date = '', rest = ''] = new Date(at + offsetMin * 60_000).toISOString().split('T');
  return { date, time: rest.slice(0, 12), zone: style.utc === true ? 'UTC' : offsetText(offsetMin) };
}

function offsetText(offsetMin: number): string {
  const size = Math.abs(offsetMin);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  return `${offsetMin < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`;
}
