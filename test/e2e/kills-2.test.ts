/** `kill -9`, 30 times: see kills.ts. `npm run kills` does more of it. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runKills } from './kills.ts';

it('30 kills at random moments lose nothing that was durable, and leave only models that are adopted', {
  timeout: 600_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'turnout-kills-'));
  const { faults, adopted } = await runKills({ kills: 30, seed: 2, dir });
  expect(faults).toEqual([]);
  expect(adopted).toBeGreaterThan(5);
});
