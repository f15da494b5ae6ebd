/** After real traffic with real processes, the fold of the log is the live state, at every position. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startParts } from '../../src/cli/parts.ts';
import { canonical } from '../../src/core/canonical.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { emptyState, evolve } from '../../src/core/evolve.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';

it('the fold of the log equals the live state at every position', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-fold-'));
  const models = {
    a: { flags: '--tokens 2', more: ['ttl: 1'] },
    b: { flags: '--tokens 2' },
    bad: { flags: '--exit-after-ms 0' },
  };
  const text = fakeConfig(await freePorts(3), models).replace('logToStdout: proxy', 'logToStdout: none');
  const result = loadConfig([{ file: 'config.yaml', text }]);
  if (!('config' in result)) throw new Error(JSON.stringify(result.errors));
  const parts = await startParts(result.config, { stateDir: dir, log: 'sqlite', tls: null });
  const live = new Map<number, string>();
  try {
    const { url } = await parts.api.listen('127.0.0.1:0');
    const stop = parts.router.subscribe(() => {
      const state = parts.router.state();
      live.set(state.position, canonical(state));
    });
    const ask = async (model: string) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [] }),
      });
      await response.text();
      return response.status;
    };
    const statuses = await Promise.all(['a', 'b', 'a', 'bad', 'b', 'nobody'].map(ask));
    expect(statuses).toEqual([200, 200, 200, 500, 200, 404]);
    expect(await ask('bad')).toBe(503);
    stop();
  } finally {
    await parts.stop('test');
  }
  const { openLogForReading } = await import('../../src/core/log/read-only.ts');
  const log = await openLogForReading(dir);
  const state = emptyState();
  let compared = 0;
  for (const event of await log.read({ limit: 100_000 })) {
    evolve(state, event);
    const then = live.get(event.position);
    if (then === undefined) continue;
    expect(canonical(state), `position ${event.position}`).toBe(then);
    compared++;
  }
  expect(compared).toBeGreaterThan(5);
  expect(canonical(state)).toBe(canonical(parts.router.state()));
  await log.close();
  await rm(dir, { recursive: true, force: true });
});
