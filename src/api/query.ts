/**
 * Query parameters of turnout's own API, read strictly: what is not understood is an error that names the parameter, never
 * a default.
 */
import { TurnoutError } from '../core/errors.ts';
import { printable, rawQueryOf } from './guard.ts';

/** Parameters of a request target. */
export function queryOf(url: string | undefined): URLSearchParams {
  return new URLSearchParams(rawQueryOf(url ?? ''));
}

/** A whole number from `min` to `max`, or undefined when absent or empty. */
export function numberParam(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw badParam(name, text, `a whole number from ${min} to ${max}`);
  return value;
}

/** `1`, `true` or nothing after the name switch it on; `0` and `false` are off. */
export function flagParam(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === '0' || text === 'false') return false;
  if (text === '' || text === '1' || text === 'true') return true;
  throw badParam(name, text, '1 or 0');
}

/** A moment: milliseconds since 1970, an ISO date, or `-10m` before `now` (units ms, s, m, h, d). */
export function momentParam(query: URLSearchParams, name: string, now: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const ago = /^-(\d{1,12})(ms|s|m|h|d)$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw badParam(name, text, 'milliseconds since 1970, an ISO date, or a time ago such as -10m');
  return at;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The error for a parameter that cannot be read. */
export function badParam(name: string, value: string, expected: string): TurnoutError {
  return new TurnoutError(
    'bad-request',
    `read query parameter "${name}": expected ${expected}, got "${printable(value)}"`,
  );
}
