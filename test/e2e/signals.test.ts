/** How turnout ends: asked once, asked twice, and not asked at all. */
import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { lives } from '../support/processes.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const running: Turnout[] = [];

async function start(models: Parameters<typeof fakeConfig>[1], dir?: string): Promise<Turnout> {
  const config = fakeConfig(await freePorts(3), models);
  const turnout = await startTurnout(dir === undefined ? { config } : { config, dir });
  running.push(turnout);
  return turnout;
}

afterEach(async () => {
  for (const turnout of running.splice(0)) {
    await turnout.dispose();
    await rm(turnout.dir, { recursive: true, force: true });
  }
});

const ask = (turnout: Turnout, model: string, more = {}) =>
  turnout.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }], ...more });

const pidOf = async (turnout: Turnout, model: string) =>
  until(
    `the process of ${model}`,
    async () => (await turnout.events('process.spawned')).findLast((event) => event.model === model)?.data.pid,
  );

describe('SIGTERM', () => {
  it('lets a stream finish, stops the model, and exits 0', async () => {
    const turnout = await start({ slow: { flags: '--tokens 60 --tokens-per-second 60' } });
    const response = await ask(turnout, 'slow', { stream: true });
    const pid = await pidOf(turnout, 'slow');
    const exit = turnout.signal('SIGTERM');
    const text = await response.text();
    expect(text).toContain('[DONE]');
    expect(await exit).toBe('0');
    expect(await lives(pid)).toBe(false);
  });

  it('answers what waits with an error instead of starting models for it', async () => {
    const turnout = await start({ never: { flags: '--never-ready' } });
    const waiting = ask(turnout, 'never');
    const pid = await pidOf(turnout, 'never');
    const exit = turnout.signal('SIGTERM');
    expect((await waiting).status).toBe(500);
    expect(await exit).toBe('0');
    expect(await lives(pid)).toBe(false);
  });
});

describe('a second signal', () => {
  it('stops at once: streams break, models are killed, even one that ignores SIGTERM', async () => {
    const turnout = await start({ deaf: { flags: '--ignore-term --tokens 100000 --tokens-per-second 20' } });
    const response = await ask(turnout, 'deaf', { stream: true });
    const reading = response.text().catch(() => 'broken');
    const pid = await pidOf(turnout, 'deaf');
    void turnout.signal('SIGINT');
    await until('turnout to drain', () => turnout.output().includes('SIGINT: stopping'));
    expect(await turnout.signal('SIGINT')).toBe('0');
    await reading;
    expect(await lives(pid)).toBe(false);
  });
});

describe('SIGKILL', () => {
  it('leaves a log that opens clean; the next start adopts the orphans, gives lost requests their end, and swaps them out', async () => {
    const models = { a: { flags: '--tokens 100000 --tokens-per-second 20 --spawn-grandchild' }, b: {} };
    const first = await start(models);
    const response = await ask(first, 'a', { stream: true });
    const reading = response.text().catch(() => 'broken');
    const pid = await pidOf(first, 'a');
    expect(await first.signal('SIGKILL')).toBe('SIGKILL');
    await reading;
    expect(await lives(pid)).toBe(true);

    const second = await start(models, first.dir);
    expect(second.output()).toContain('turnout was killed the last time');
    const lost = await second.events('request.lost', 'process.adopted', 'process.stopping');
    expect(lost.map((event) => event.type)).toEqual(['request.lost', 'process.adopted']);
    expect((await ask(second, 'b')).status).toBe(200);
    expect(await lives(pid)).toBe(false);
    const [stopped] = await second.events('process.stopping');
    expect(stopped?.data).toMatchObject({ reason: 'swap' });
    await second.stop();
  });
});
