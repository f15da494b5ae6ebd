/**
 * The logs that are kept for ever, each a folder with case.json: a log as a release left it (`events.db`), or an export
 * that shows something (`slice.turnout`). What holds for every one of them is here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { VERSION } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import { CASE_FILE, CASE_SLICE, caseHash, type LogCase } from '../../src/core/history/export-case.ts';
import { openExport } from '../../src/core/history/import.ts';
import { openLogForReading, type ReadOnlyLog } from '../../src/core/log/read-only.ts';
import { readAll, tempDir } from './log-fixtures.ts';

export const KEPT = join(import.meta.dirname, '../fixtures/logs');

export const caseOf = (folder: string): LogCase => JSON.parse(readFileSync(join(folder, CASE_FILE), 'utf8')) as LogCase;

export const isDatabase = (folder: string): boolean => existsSync(join(folder, 'events.db'));

/** A state directory with the log of a folder; it is removed after the test. */
export function copyOf(folder: string): string {
  const dir = tempDir();
  execFileSync('cp', [join(folder, 'events.db'), join(folder, 'head.json'), dir]);
  return dir;
}

/** It is whole, and folds to the states that are known, in the versions of today. */
export async function checkKeptLog(folder: string): Promise<void> {
  const { head, states } = caseOf(folder);
  const log = isDatabase(folder) ? await openLogForReading(copyOf(folder)) : await openExport(join(folder, CASE_SLICE));
  try {
    expect(log.head).toBe(head);
    expect(await statesOf(log, states)).toEqual(states);
    const events = await readAll(log);
    expect(events.filter(({ type, version }) => version !== VERSION[type])).toEqual([]);
    const first = events[0]?.position ?? 0;
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => first + index));
    expect(canonical(fold(events))).toBe(canonical(await log.stateAt(head)));
  } finally {
    await log.close();
  }
}

/** The states at the pinned positions, as they are now. */
export async function statesOf(
  log: Pick<ReadOnlyLog, 'stateAt'>,
  pinned: LogCase['states'],
): Promise<LogCase['states']> {
  const found: LogCase['states'] = {};
  for (const position of Object.keys(pinned)) found[position] = caseHash(await log.stateAt(Number(position)));
  return found;
}
