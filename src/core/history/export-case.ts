/**
 * An export as a test case of the repository: a folder with the slice and the hashes of the states that it must fold to,
 * which test/log/old-logs.test.ts runs as it is. Must never leave half a folder.
 */
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import { stateDirError } from '../log/log-files.ts';
import type { State } from '../state.ts';
import { encodeState } from '../state-codec.ts';
import type { ExportEnd } from './export-format.ts';
import { type WrittenExport, writeExport } from './export-write.ts';
import { openExport } from './import.ts';

export const CASE_SLICE = 'slice.turnout';
export const CASE_FILE = 'case.json';

export interface LogCase {
  /** What it shows, for people. */
  about: string;
  /** Position of the last event. */
  head: Position;
  /** Of some positions the hash of the state there. */
  states: { [position: string]: string };
}

/** What a state is known by in a case. */
export const caseHash = (state: Readonly<State>): string => hash('sha256', encodeState(state), 'hex').slice(0, 16);

/** Rejects as `writeExport`. */
export async function writeCase(
  dir: string,
  about: string,
  lines: AsyncGenerator<string, ExportEnd>,
  signal: AbortSignal,
): Promise<WrittenExport> {
  const to = resolve(dir);
  const part = `${to}.part-${process.pid}`;
  if (existsSync(to)) {
    throw new TurnoutError(
      'conflict',
      `write the test case "${to}": expected a name that is free, got one that is not`,
    );
  }
  try {
    mkdirSync(dirname(to), { recursive: true });
    mkdirSync(part);
    const slice = join(part, CASE_SLICE);
    const written = await writeExport(slice, lines, signal);
    writeFileSync(join(part, CASE_FILE), `${JSON.stringify(await caseOf(slice, about), null, 2)}\n`);
    renameSync(part, to);
    return { ...written, file: to };
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (error instanceof TurnoutError || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw stateDirError(`write "${to}"`, error);
  }
}

/** From the file itself: what is pinned is what whoever opens it gets. */
async function caseOf(slice: string, about: string): Promise<LogCase> {
  const log = await openExport(slice);
  try {
    const { base } = log.header;
    const states: LogCase['states'] = {};
    for (const part of [0, 1 / 3, 2 / 3, 1]) {
      const position = Math.round(base + (log.head - base) * part);
      if (position > 0) states[position] = caseHash(await log.stateAt(position));
    }
    return { about, head: log.head, states };
  } finally {
    await log.close();
  }
}
