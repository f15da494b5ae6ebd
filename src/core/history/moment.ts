/**
 * Moments as people write them: `03:00`, `-2h`, `yesterday 3:10`, an ISO time, or a position of the log. Local time unless
 * UTC is asked for. Must never guess: what is not understood is an error that shows what would be.
 */
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { TimeTravel } from '../log/log.ts';

/** A place in the log, or a time (ms since 1970). */
export type Moment = { position: Position } | { time: number };

export interface MomentOptions {
  /** ms since 1970, to which `-2h` and `03:00` refer. */
  now: number;
  utc?: boolean;
}

/** Bare numbers below are positions, above milliseconds since 1970: this one is a day in 1973. */
const FIRST_TIME = 100_000_000_000;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Throws TurnoutError('usage') that names `what`. */
export function readMoment(what: string, text: string, options: MomentOptions): Moment {
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) {
    const number = Number(trimmed);
    return number < FIRST_TIME ? { position: number } : { time: number };
  }
  const time = timeOf(trimmed, options);
  if (time !== null && Number.isFinite(time)) return { time };
  const expected = `a time (03:00, -2h, "yesterday 3:10", 2026-11-22T03:10) or a position of the log`;
  throw new TurnoutError('usage', `read ${what} "${text}": expected ${expected}`);
}

/** The same where only a time makes sense; `24h` and `-24h` are both that long ago. */
export function readTime(what: string, text: string, options: MomentOptions): number {
  const moment = readMoment(what, text, options);
  if ('time' in moment) return moment.time;
  throw new TurnoutError('usage', `read ${what} "${text}": expected a time such as 24h, 03:00 or an ISO time`);
}

/** Where in a log a moment lies: the last event at or before it. */
export async function positionOf(log: TimeTravel, moment: Moment): Promise<Position> {
  return 'position' in moment ? moment.position : log.positionAt(moment.time);
}

function timeOf(text: string, options: MomentOptions): number | null {
  if (text === 'now') return options.now;
  const ago = /^-?(\d{1,12})(ms|s|m|h|d)(?: ago)?$/.exec(text);
  if (ago !== null) return options.now - Number(ago[1]) * (UNIT_MS[ago[2] ?? 'ms'] ?? 1);
  const clock = /^(?:(today|yesterday)(?: |$))?(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/i.exec(text);
  if (clock !== null && text !== '') return clockTime(clock, options);
  return isoTime(text, options);
}

/** `3:10` alone is the last one that has been. */
function clockTime([, day, hour = '0', minute = '0', second = '0']: RegExpExecArray, options: MomentOptions) {
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (h > 23 || m > 59 || s > 59) return null;
  const at = onDay(options, day?.toLowerCase() === 'yesterday' ? -1 : 0, h, m, s);
  return day === undefined && at > options.now ? onDay(options, -1, h, m, s) : at;
}

function onDay({ now, utc }: MomentOptions, days: number, h: number, m: number, s: number): number {
  const today = new Date(now);
  return utc === true
    ? Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() + days, h, m, s)
    : new Date(today.getFullYear(), today.getMonth(), today.getDate() + days, h, m, s).getTime();
}

/** A date or time without a zone is local, or UTC with `utc`. */
function isoTime(text: string, { utc }: MomentOptions): number | null {
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/.exec(
    text,
  );
  if (iso === null) return null;
  const [, date, time = '00:00', zone] = iso;
  const named = zone === undefined ? (utc === true ? 'Z' : '') : zone === 'UTC' ? 'Z' : zone;
  return Date.parse(`${date}T${time}${named}`);
}
