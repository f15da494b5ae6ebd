/** Old events leave while turnout serves: what the configuration says holds from the start on, and after a reload. */
import { statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';
import { makePlace } from '../cli/run.ts';
import { busyLog } from '../log/busy-events.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
const EVENTS = 20_000;

async function grownLog(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-retention-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const state = join(dir, 'state');
  await mkdir(state);
  const { log } = await openSqliteLog({ dir: state, limits: { logBallastBytes: 0 } });
  const events = busyLog(EVENTS);
  for (let from = 0; from < EVENTS; from += 250) {
    log.append(events.slice(from, from + 250), true);
    await log.flush(); // a commit each: events leave by whole commits
  }
  await log.close();
  return dir;
}

const sizeOf = (dir: string) => statSync(join(dir, 'state', 'events.db')).size;

describe('a log over its bounds', { timeout: 60_000 }, () => {
  it('shrinks while turnout serves, again after a reload, and is whole all the time', async () => {
    const dir = await grownLog();
    expect(sizeOf(dir)).toBeGreaterThan(4 * MIB);
    const port = await freePorts(2);
    const config = (maxBytes: string) =>
      fakeConfig(port, { a: {}, b: {} }, `turnout: { eventLog: { retentionDays: 0, maxBytes: ${maxBytes} } }`);
    const turnout = await startTurnout({ config: config('3MiB'), dir });
    onTestFinished(() => turnout.dispose());
    const statuses = new Set<number>();
    const serveUntil = (bytes: number) =>
      until(`a log under ${bytes} bytes`, async () => {
        for (const model of ['a', 'b']) {
          const answer = await turnout.post('/v1/chat/completions', { model, messages: [] });
          statuses.add(answer.status);
          await answer.text();
        }
        return sizeOf(dir) < bytes;
      });

    await serveUntil(3 * MIB);
    await writeFile(join(dir, 'config.yaml'), config('1MiB'));
    process.kill(turnout.pid, 'SIGHUP');
    await serveUntil(MIB);
    expect([...statuses]).toEqual([200]);
    const compacted = await turnout.post('/api/log/compact', {});
    expect(await compacted.json()).toMatchObject({ stopped: null });
    await turnout.stop();

    const log = await openLogForReading(turnout.stateDir); // proves every hash
    onTestFinished(() => log.close());
    const [first] = await log.read({ limit: 1 });
    expect(first).toMatchObject({ type: 'log.rebased' });
    expect(first?.position).toBeGreaterThan(EVENTS / 2);
    expect((await log.stateAt(log.head)).phase).toBe('stopped');
    const place = await makePlace();
    onTestFinished(() => place.remove());
    const verified = await place.cli(['verify', '--since', String(EVENTS), '--state-dir', turnout.stateDir]);
    expect(verified).toMatchObject({ code: 0, err: '' });
  });

  it('loses what is older than its days with the first start', async () => {
    const dir = await grownLog(); // of January 2026
    const config = fakeConfig(await freePorts(1), { a: {} }, 'turnout: { eventLog: { retentionDays: 1 } }');
    const turnout = await startTurnout({ config, dir });
    onTestFinished(() => turnout.dispose());
    await until('the old events to leave', async () => {
      const { events } = (await (await turnout.get('/api/log?from=1&limit=1')).json()) as {
        events: { type: string; position: number }[];
      };
      return events[0]?.type === 'log.rebased' && events[0].position >= EVENTS;
    });
    await turnout.stop();
  });
});
