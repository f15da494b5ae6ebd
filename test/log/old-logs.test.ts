/**
 * Logs that older turnouts wrote must fold for ever, to the same state. A hash in a case.json changes only together with
 * STATE_VERSION: when the shape of the state changes, or the fold on purpose makes another one. A folder that
 * `turnout export --as-test` or programs/record-log.ts wrote is run as it is.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { caseOf, checkKeptLog, copyOf, isDatabase, KEPT, statesOf } from './kept-logs.ts';
import { openTestLog } from './log-fixtures.ts';

const FOLDERS = readdirSync(KEPT).map((name) => join(KEPT, name));
const titled = (folders: string[]) => folders.map((folder) => [caseOf(folder).about, folder] as const);

describe('the logs that are kept', () => {
  it('are some', () => {
    expect(FOLDERS.length).toBeGreaterThan(1);
  });

  it.each(titled(FOLDERS))('fold to the states that are known: %s', (_, folder) => checkKeptLog(folder));
});

describe.each(titled(FOLDERS.filter(isDatabase)))('the log of a release: %s', (_, folder) => {
  const { head, states } = caseOf(folder);

  it('ends as it did: stopped, with nothing open and nobody alive', async () => {
    const log = await openLogForReading(copyOf(folder));
    onTestFinished(() => log.close());
    const { phase, requests, swaps, alive, models } = await log.stateAt(head);
    expect({ phase, requests: requests.size, swaps: swaps.size, alive: alive.size }).toEqual({
      phase: 'stopped',
      requests: 0,
      swaps: 0,
      alive: 0,
    });
    expect(models.size).toBeGreaterThan(2);
  });

  it('survives kills while it is brought up to date', async () => {
    const dir = copyOf(folder);
    for (let kill = 0; kill < 6; kill += 1) {
      const program = join(import.meta.dirname, 'programs/append-until-killed.ts');
      const child = spawn(process.execPath, [program, dir], { stdio: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, 60 * (kill + 1)));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const log = await openLogForReading(dir);
      expect(log.head).toBeGreaterThanOrEqual(head);
      expect(await statesOf(log, states)).toEqual(states);
      await log.close();
    }
  });

  it('is brought up to date by the first start, and goes on', async () => {
    const dir = copyOf(folder);
    const { log, replaced, warnings } = await openTestLog(dir, { limits: { logSnapshotEvents: 100 } });
    expect({ replaced, warnings }).toEqual({ replaced: null, warnings: [] });
    expect(await statesOf(log, states)).toEqual(states);
    const { at } = await log.stateAt(head);
    log.append([{ type: 'log.gap', position: head + 1, at: at + 1, version: 1, data: { count: 1 } }], true);
    await log.flush();
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: head + 1, replaced: null, warnings: [] });
  });
});
