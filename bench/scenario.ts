/**
 * What a scenario is: one file that measures one thing in interleaved rounds, and hands back rows for the table.
 * Must never judge speed: a scenario fails on errors only.
 */
import type { Subject, SubjectName } from './subjects.ts';

export interface Settings {
  rounds: number;
  /** Length of one measurement. */
  seconds: number;
  /** As short as possible, to see that everything works. */
  smoke: boolean;
  /** Says what is being done; to stderr, so that stdout holds the result alone. */
  progress(line: string): void;
}

export interface Table {
  title: string;
  /** What was done: sizes, rounds, the program that made the load. */
  note: string;
  columns: readonly string[];
  /** Same length as `columns`; null prints as a dash. */
  rows: { name: string; values: readonly (number | string | null)[] }[];
}

export interface Outcome {
  tables: Table[];
  /** One line per thing that went wrong; any makes the run fail. */
  errors: string[];
}

export interface Scenario {
  name: string;
  /** False for a scenario that starts its own programs. */
  needsSubjects: boolean;
  run(settings: Settings, subjects: readonly Subject[], names: readonly SubjectName[]): Promise<Outcome>;
}

/** The middle value; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which the share `p` (0 to 1) of sorted values lies; NaN of nothing. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * p) - 1)] ?? sorted[0]!;
}

/** The items in an order that begins one further in each round, so that none always runs first. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  return items.map((_, i) => items[(i + round) % items.length]!);
}

/** `a / b` for the columns of ratios; null when either is missing. */
export function ratio(a: number | null | undefined, b: number | null | undefined): number | null {
  return a === null || a === undefined || b === null || b === undefined || b === 0 ? null : a / b;
}
