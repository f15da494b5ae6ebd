/**
 * Logs that older turnouts wrote must fold for ever, to the same state. A hash here changes only together with
 * STATE_VERSION: when the shape of the state changes, or the fold on purpose makes another one.
 */
import { execFileSync, spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canonical } from '../../src/core/canonical.ts';
import { VERSION } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import type { State } from '../../src/core/state.ts';
import { encodeState } from '../../src/core/state-codec.ts';
import { openTestLog, readAll, tempDir } from './log-fixtures.ts';

const FOLDER = join(import.meta.dirname, '../fixtures/logs');

/** Of each log what it holds, and positions with the hash of the state there. */
const LOGS: Record<string, { about: string; head: number; states: Record<number, string> }> = {
  'before-planners': {
    about: 'three models and a broken one, swaps, a TTL, a reload, unloading by hand, a kill with work under way',
    head: 391,
    states: {
      3: 'f51f46854ddf060b',
      150: 'bca5b8ffc6c5b184',
      260: 'd576c049deab03b3',
      391: '03c5fa49de892b33',
    },
  },
};

function copyOf(name: string): string {
  const dir = tempDir();
  execFileSync('cp', [join(FOLDER, name, 'events.db'), join(FOLDER, name, 'head.json'), dir]);
  return dir;
}

const hashOf = (state: State) => hash('sha256', encodeState(state), 'hex').slice(0, 16);

describe('every log that is kept', () => {
  it('is tested', () => {
    expect(readdirSync(FOLDER).toSorted()).toEqual(Object.keys(LOGS).toSorted());
  });
});

describe.each(Object.entries(LOGS))('the log "%s"', (name, { head, states }) => {
  const positions = Object.keys(states).map(Number);

  it('is whole, and folds to the states that are known, without being changed', async () => {
    const log = await openLogForReading(copyOf(name));
    onTestFinished(() => log.close());
    expect(log.head).toBe(head);
    const found: Record<number, string> = {};
    for (const position of positions) found[position] = hashOf(await log.stateAt(position));
    expect(found).toEqual(states);
  });

  it('ends as it did: stopped, with nothing open and nobody alive', async () => {
    const log = await openLogForReading(copyOf(name));
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

  it('is read in the versions of today, which fold to the same', async () => {
    const log = await openLogForReading(copyOf(name));
    onTestFinished(() => log.close());
    const events = await readAll(log);
    expect(events.filter(({ type, version }) => version !== VERSION[type])).toEqual([]);
    expect(events.map(({ position }) => position)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(canonical(fold(events))).toBe(canonical(await log.stateAt(head)));
  });

  it('survives kills while it is brought up to date', async () => {
    const dir = copyOf(name);
    for (let kill = 0; kill < 6; kill += 1) {
      const program = join(import.meta.dirname, 'programs/append-until-killed.ts');
      const child = spawn(process.execPath, [program, dir], { stdio: 'ignore' });
      await new Promise((resolve) => setTimeout(resolve, 60 * (kill + 1)));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const log = await openLogForReading(dir);
      expect(log.head).toBeGreaterThanOrEqual(head);
      expect(hashOf(await log.stateAt(head))).toBe(states[head]);
      await log.close();
    }
  });

  it('is brought up to date by the first start, and goes on', async () => {
    const dir = copyOf(name);
    const { log, replaced, warnings } = await openTestLog(dir, { limits: { logSnapshotEvents: 100 } });
    expect({ replaced, warnings }).toEqual({ replaced: null, warnings: [] });
    for (const position of positions) expect(hashOf(await log.stateAt(position))).toBe(states[position]);
    const { at } = await log.stateAt(head);
    log.append([{ type: 'log.gap', position: head + 1, at: at + 1, version: 1, data: { count: 1 } }], true);
    await log.flush();
    await log.close();
    const again = await openTestLog(dir);
    expect(again).toMatchObject({ head: head + 1, replaced: null, warnings: [] });
  });
});
