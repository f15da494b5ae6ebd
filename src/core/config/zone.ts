/**
 * A time zone as data for the settings: its offsets from now on, so that the kernel computes local time without asking the
 * machine. Must be made anew with each configuration.
 */
import { LIMITS } from '../limits.ts';
import type { Zone } from '../settings.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** `name`: IANA name, or null for the zone of the machine. `from`: ms since 1970, by default the start of this hour. */
export function zoneOf(name: string | null, from = Math.floor(Date.now() / HOUR) * HOUR): Zone {
  const zone = name ?? zoneOfMachine();
  const offsetAt = name === null ? offsetOfMachine : offsetReader(zone);
  const end = from + LIMITS.zoneDays * 24 * HOUR;
  const offsets = [{ from: 0, offsetMin: offsetAt(from) }];
  let last = offsetAt(from);
  for (let at = from; at < end; at += 24 * HOUR) {
    if (offsetAt(at + 24 * HOUR) === last) continue;
    const change = changeWithin(at, at + 24 * HOUR, last, offsetAt);
    last = offsetAt(change);
    offsets.push({ from: change, offsetMin: last });
  }
  return { name: zone, offsets };
}

/** The first minute whose offset is another one. */
function changeWithin(low: number, high: number, before: number, offsetAt: (at: number) => number): number {
  let [a, b] = [low, high];
  while (b - a > MINUTE) {
    const middle = Math.floor((a + b) / 2 / MINUTE) * MINUTE;
    if (offsetAt(middle) === before) a = middle;
    else b = middle;
  }
  return b;
}

/** IANA name. The first use of Intl takes 20 ms of a start, so Temporal is asked where Node has it (26 and newer). */
function zoneOfMachine(): string {
  const { Temporal } = globalThis as { Temporal?: { Now: { timeZoneId(): string } } };
  return Temporal?.Now.timeZoneId() ?? new Intl.DateTimeFormat('en').resolvedOptions().timeZone;
}

/** A hundred times as fast as asking for parts. */
const offsetOfMachine = (at: number): number => -new Date(at).getTimezoneOffset();

function offsetReader(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  return (at) => {
    const text = format.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    const match = /([+-])(\d{1,2}):?(\d{2})?/.exec(text);
    if (match === null) return 0;
    const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
    return match[1] === '-' ? -minutes : minutes;
  };
}
