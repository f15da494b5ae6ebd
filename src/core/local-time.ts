/**
 * Local time as a pure function of the state: the zone stands in the settings as data, steps of the wall clock in events.
 * Must never ask the machine.
 */
import type { LocalWindow, Zone } from './settings.ts';

const MINUTE = 60_000;
const DAY_MIN = 24 * 60;

export interface LocalTime {
  /** With offset, to the second. */
  iso: string;
  /** 0 = Sunday. */
  weekday: number;
  hour: number;
  minute: number;
  offsetMin: number;
}

export function offsetMinAt(zone: Zone, wall: number): number {
  let offset = zone.offsets[0]?.offsetMin ?? 0;
  for (const { from, offsetMin } of zone.offsets) if (from <= wall) offset = offsetMin;
  return offset;
}

/** `wall` in ms since 1970, by the clock on the wall. */
export function localTime(zone: Zone, wall: number): LocalTime {
  const offsetMin = offsetMinAt(zone, wall);
  const shifted = new Date(wall + offsetMin * MINUTE);
  const sign = offsetMin < 0 ? '-' : '+';
  const [hours, minutes] = [Math.floor(Math.abs(offsetMin) / 60), Math.abs(offsetMin) % 60];
  const offset = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
  return {
    iso: `${shifted.toISOString().slice(0, 19)}${offset}`,
    weekday: shifted.getUTCDay(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    offsetMin,
  };
}

/** End (ms, wall clock) of the windows that hold at `wall`; null when none does. Windows that touch are one. */
export function windowEnd(windows: readonly LocalWindow[], zone: Zone, wall: number): number | null {
  let end: number | null = null;
  for (const { from, to } of spansAround(windows, zone, wall)) {
    if (from <= (end ?? wall) && to > (end ?? wall)) end = to;
  }
  return end;
}

/** Begin (ms, wall clock) of the next window after `wall`; null when there is none. */
export function nextWindowStart(windows: readonly LocalWindow[], zone: Zone, wall: number): number | null {
  let next: number | null = null;
  for (const { from } of spansAround(windows, zone, wall))
    if (from > wall && (next === null || from < next)) next = from;
  return next;
}

/** The windows of the last two days and the next eight, as times, in order of their begin. */
function spansAround(windows: readonly LocalWindow[], zone: Zone, wall: number): { from: number; to: number }[] {
  if (windows.length === 0) return [];
  const today = Math.floor((wall / MINUTE + offsetMinAt(zone, wall)) / DAY_MIN);
  const spans: { from: number; to: number }[] = [];
  for (let day = today - 2; day <= today + 8; day++) {
    const weekday = (((day + 4) % 7) + 7) % 7; // day 0 was a Thursday
    for (const { days, fromMin, toMin } of windows) {
      if (!days.includes(weekday)) continue;
      spans.push({ from: toWall(zone, day * DAY_MIN + fromMin), to: toWall(zone, day * DAY_MIN + toMin) });
    }
  }
  return spans.sort((a, b) => a.from - b.from);
}

/**
 * The moment at which clocks of the zone show so many minutes since 1970: of an hour that comes twice the first, of one
 * that is skipped the one after.
 */
function toWall(zone: Zone, localMin: number): number {
  const asUtc = localMin * MINUTE;
  const before = offsetMinAt(zone, asUtc - DAY_MIN * MINUTE);
  const after = offsetMinAt(zone, asUtc + DAY_MIN * MINUTE);
  const [first, second] = [asUtc - before * MINUTE, asUtc - after * MINUTE];
  return offsetMinAt(zone, first) !== before && offsetMinAt(zone, second) === after ? second : first;
}
