/** Logs to export, and what tests of exports do with them. Must never write outside its temporary directories. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { type ExportedLog, type ExportOptions, exportLines } from '../../src/core/history/export.ts';
import { type WrittenExport, writeExport } from '../../src/core/history/export-write.ts';
import { type ImportedLog, openExport } from '../../src/core/history/import.ts';
import { openLogForReading, type ReadOnlyLog } from '../../src/core/log/read-only.ts';
import { tempDir } from '../log/log-fixtures.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/logs');

/** A log of a real run that is kept as a file. */
export async function keptLog(name: string): Promise<ReadOnlyLog> {
  const dir = tempDir();
  execFileSync('cp', [join(FIXTURES, name, 'events.db'), join(FIXTURES, name, 'head.json'), dir]);
  const log = await openLogForReading(dir);
  onTestFinished(() => log.close());
  return log;
}

export async function written(
  log: ExportedLog & { head: number },
  options: Partial<ExportOptions> = {},
): Promise<WrittenExport> {
  const all = { base: 0, head: log.head, version: '9.9.9', now: 1, redact: false, relabel: false, policies: false };
  const file = join(tempDir(), 'slice.turnout');
  return writeExport(file, exportLines(log, { ...all, ...options }), new AbortController().signal);
}

export async function opened(file: string): Promise<ImportedLog> {
  const log = await openExport(file);
  onTestFinished(() => log.close());
  return log;
}

export const textOf = (file: string): string => gunzipSync(readFileSync(file)).toString('utf8');

/** The same file with other contents. */
export function changed(file: string, change: (text: string) => string): string {
  const to = join(tempDir(), 'changed.turnout');
  writeFileSync(to, gzipSync(change(gunzipSync(readFileSync(file)).toString('utf8'))));
  return to;
}
