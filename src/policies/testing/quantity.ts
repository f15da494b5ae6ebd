/** Numbers as people write them in test tables: `60s`, `4GiB`, `2026-01-05T09:00:00+01:00`. Pure. */
import type { Json } from '../../core/config/canonical.ts';
import { DURATION, durationMs, SIZE, sizeBytes } from '../../core/config/units.ts';
import type { Memory } from '../../core/settings.ts';
import { fieldsOf, nameOf, show, TableFault, type TablePath } from './table.ts';

/** ms, or text such as `60s`. */
export function durationOf(value: unknown, path: TablePath): number {
  if (typeof value === 'number' && value >= 0) return value;
  if (typeof value === 'string' && DURATION.test(value)) return durationMs(value);
  throw new TableFault(path, `${nameOf(path)} must be ms or a duration such as 60s, got ${show(value)}`);
}

/** Bytes, or text such as `4GiB`. */
export function sizeOf(value: unknown, path: TablePath): number {
  if (typeof value === 'number' && value >= 0) return value;
  if (typeof value === 'string' && SIZE.test(value)) return sizeBytes(value);
  throw new TableFault(path, `${nameOf(path)} must be bytes or a size such as 4GiB, got ${show(value)}`);
}

/** A size, or sizes by device. */
export function memoryIn(value: unknown, path: TablePath): Memory {
  if (typeof value !== 'object' || value === null) return sizeOf(value, path);
  const sizes = Object.entries(fieldsOf(value, path));
  return Object.fromEntries(sizes.map(([device, size]) => [device, sizeOf(size, [...path, device])]));
}

export function numberOf(value: unknown, path: TablePath): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new TableFault(path, `${nameOf(path)} must be a number, got ${show(value)}`);
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** A moment in ms since 1970, and the offset in minutes that it was written with; null when it was a number. */
export function momentOf(value: unknown, path: TablePath): { at: number; offsetMin: number | null } {
  if (typeof value === 'number' && value >= 0) return { at: value, offsetMin: null };
  const offset = typeof value === 'string' ? ISO.exec(value)?.[1] : undefined;
  if (offset === undefined) {
    const example = '2026-01-05T09:00:00+01:00';
    throw new TableFault(
      path,
      `${nameOf(path)} must be ms since 1970 or a time such as ${example}, got ${show(value)}`,
    );
  }
  const [hours, minutes] = offset === 'Z' ? [0, 0] : offset.slice(1).split(':').map(Number);
  const size = (hours ?? 0) * 60 + (minutes ?? 0);
  return { at: Date.parse(value as string), offsetMin: offset.startsWith('-') ? -size : size };
}

/** A value of a field by its name: `...Ms` are durations, `...Bytes` sizes, `until`, `wakeAt`, `at` and `now` moments. */
export function plainValue(name: string, value: Json, path: TablePath): Json {
  if (typeof value !== 'string') return value;
  if (/Ms$/.test(name)) return durationOf(value, path);
  if (/^bytes$|Bytes$/.test(name)) return sizeOf(value, path);
  return /^(?:until|wakeAt|at|now)$/.test(name) ? momentOf(value, path).at : value;
}
