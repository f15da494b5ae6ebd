/**
 * Durations and sizes as people write them, under `turnout:` and in Go's way. Must never import anything.
 */

const DURATION_UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `5m`, `1h30m`, `1.5h`, `250ms`, `2d`. */
export const DURATION = /^(?:\d{1,12}(?:\.\d{1,12})?(?:ms|s|m|h|d)){1,9}$/;

/** As Go's time.ParseDuration has it, without a sign: `15s`, `1m30s`, `1.5h`, `0`. */
export const GO_DURATION = /^(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

const GO_UNIT_MS = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const SIZE_UNIT_BYTES = {
  '': 1,
  b: 1,
  k: 1_024,
  kb: 1_000,
  kib: 1_024,
  m: 1_024 ** 2,
  mb: 1_000 ** 2,
  mib: 1_024 ** 2,
  g: 1_024 ** 3,
  gb: 1_000 ** 3,
  gib: 1_024 ** 3,
};

/** `256MiB`, `1.5 GB`, `512k`, `1048576`. */
// spelled out without a flag, because it stands in the JSON Schema too
export const SIZE = /^(\d{1,16}(?:\.\d{1,16})?) ?((?:[bB]|[kKmMgG](?:[iI]?[bB])?)?)$/;

/** Milliseconds of a text that matches `DURATION`, or of a number of seconds. */
export function durationMs(value: string | number): number {
  if (typeof value === 'number') return Math.round(value * 1_000);
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * DURATION_UNIT_MS[unit as keyof typeof DURATION_UNIT_MS];
  }
  return Math.round(total);
}

/** Milliseconds of a text that matches `GO_DURATION`. */
export function goDurationMs(value: string): number {
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * GO_UNIT_MS[unit as keyof typeof GO_UNIT_MS];
  }
  return total;
}

/** Bytes of a text that matches `SIZE`, or of a number of bytes. */
export function sizeBytes(value: string | number): number {
  if (typeof value === 'number') return Math.round(value);
  const [, amount = '0', unit = ''] = SIZE.exec(value) ?? [];
  return Math.round(Number(amount) * SIZE_UNIT_BYTES[unit.toLowerCase() as keyof typeof SIZE_UNIT_BYTES]);
}
