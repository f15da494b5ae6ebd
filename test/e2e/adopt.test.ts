/**
 * Models that outlive their turnout: the next start goes on with those that are still what is configured and answer, and
 * stops the others. Real processes, real kills.
 */

import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { lives } from '../support/processes.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const running: Turnout[] = [];
const dirs = new Set<string>();

async function start(config: string, dir?: string): Promise<Turnout> {
  const turnout = await startTurnout(dir === undefined ? { config } : { config, dir });
  running.push(turnout);
  dirs.add(turnout.dir);
  return turnout;
}

afterEach(async () => {
  for (const turnout of running.splice(0)) await turnout.dispose();
  for (const dir of dirs) await rm(dir, { recursive: true, force: true });
  dirs.clear();
});

const ask = (turnout: Turnout, model: string, more = {}) =>
  turnout.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'x' }], ...more });

/** Whether it could take the port. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

const KEEP = 'turnout:\n  shutdown: keep-models\n';

/** The process that a model has, as it was spawned. */
async function processOf(turnout: Turnout, model: string) {
  const spawned = (await turnout.events('process.spawned')).findLast((event) => event.model === model);
  if (spawned === undefined) throw new Error(`${model} was never spawned`);
  return spawned.data;
}

async function fateOf(turnout: Turnout, model: string) {
  const fate = (await turnout.events('process.adopted', 'process.stopping')).findLast((event) => event.model === model);
  return fate === undefined ? null : { type: fate.type, ...fate.data };
}

describe('after kill -9', () => {
  it('a model stays loaded: it answers at once, from the same process, as the same run', async () => {
    const config = fakeConfig(await freePorts(1), { a: { flags: '--load-ms 300' } });
    const first = await start(config);
    await (await ask(first, 'a')).text();
    const { run, pid } = await processOf(first, 'a');
    await first.signal('SIGKILL');

    const second = await start(config, first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({
      type: 'process.adopted',
      run,
      pid,
      how: 'killed',
      deadline: null,
    });
    const state = (await (await second.get('/api/ps')).json()) as { models: { id: string; state: string }[] };
    expect(JSON.stringify(state)).toContain('ready');
    expect((await ask(second, 'a')).status).toBe(200);
    expect(await second.events('process.spawned')).toHaveLength(1);
    expect((await second.events('process.starting')).at(-1)?.position).toBe(run);

    const told = await (await second.get('/api/explain/model/a')).text();
    expect(told).toContain('adopted after restart');
    expect(told).toContain('which outlived a turnout that died');
    expect(await (await second.get('/api/models/output/a')).text()).not.toBe('');
    await second.stop();
    expect(await lives(pid)).toBe(false);
  });

  it('an adopted model is unloaded by its ttl, and one that dies is noticed', async () => {
    const more = ['ttl: 1'];
    const tail = 'groups:\n  g:\n    swap: false\n    members: [a, b]\n';
    const config = fakeConfig(await freePorts(2), { a: { more }, b: {} }, tail);
    const first = await start(config);
    await Promise.all([ask(first, 'a'), ask(first, 'b')].map(async (answer) => (await answer).text()));
    const b = await processOf(first, 'b');
    await first.signal('SIGKILL');
    const second = await start(config, first.dir);
    expect(await fateOf(second, 'b')).toMatchObject({ type: 'process.adopted' });
    process.kill(b.pid, 'SIGKILL');
    const gone = await until('the end of b', async () =>
      (await second.events('process.exited')).find((event) => event.model === 'b'),
    );
    expect(gone.data).toMatchObject({ run: b.run, code: null, by: 'unknown' });
    await until('the ttl of a', async () => (await fateOf(second, 'a'))?.type === 'process.stopping' || undefined);
    expect(await fateOf(second, 'a')).toMatchObject({ reason: 'ttl' });
    const [adopted, stopping] = (await second.events('process.adopted', 'process.stopping')).filter(
      (event) => event.model === 'a',
    );
    expect((stopping?.at ?? 0) - (adopted?.at ?? 0)).toBeGreaterThanOrEqual(1_000);
    await second.stop();
  });

  it('a model that was loading goes on loading, once', async () => {
    const config = fakeConfig(await freePorts(1), { slow: { flags: '--load-ms 2500' } });
    const first = await start(config);
    const lost = ask(first, 'slow').then(
      (answer) => answer.status,
      () => 'cut',
    );
    await until('its process', async () => (await first.events('process.spawned')).at(0));
    const { run, pid } = await processOf(first, 'slow');
    await first.signal('SIGKILL');
    expect(await lost).toBe('cut');

    const second = await start(config, first.dir);
    expect(await fateOf(second, 'slow')).toMatchObject({
      type: 'process.adopted',
      run,
      pid,
      deadline: expect.any(Number),
    });
    expect((await ask(second, 'slow')).status).toBe(200);
    expect(await second.events('process.starting')).toHaveLength(1);
    await second.stop();
  });

  it('one whose command changed is stopped, and started anew when it is asked for', async () => {
    const port = await freePorts(1);
    const first = await start(fakeConfig(port, { a: {} }));
    await (await ask(first, 'a')).text();
    const { pid } = await processOf(first, 'a');
    await first.signal('SIGKILL');
    const second = await start(fakeConfig(port, { a: { flags: '--tokens 3' } }), first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({
      type: 'process.stopping',
      reason: 'previous-run',
      detail: 'not adopted: its configuration changed',
    });
    expect((await ask(second, 'a')).status).toBe(200);
    expect(await lives(pid)).toBe(false);
    await second.stop();
  });

  it('one whose port somebody else has taken is not, and neither is one that died meanwhile', async () => {
    const port = await freePorts(1);
    const config = fakeConfig(port, { a: {} });
    const first = await start(config);
    await (await ask(first, 'a')).text();
    const { pid } = await processOf(first, 'a');
    await first.signal('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await until('its end', async () => !(await lives(pid)) || undefined);
    const thief = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    await until('the port to be free', () => listens(thief, port));
    const second = await start(config, first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({ detail: 'not adopted: its process is gone' });
    await new Promise((resolve) => thief.close(resolve));
    expect((await ask(second, 'a')).status).toBe(200);
    await second.stop();
  });

  it('one that hangs is stopped, while the others are adopted', async () => {
    const tail = 'groups:\n  g:\n    swap: false\n    members: [a, b]\n';
    const config = fakeConfig(await freePorts(2), { a: {}, b: {} }, `unloadTimeout: 1\n${tail}`);
    const first = await start(config);
    await Promise.all([ask(first, 'a'), ask(first, 'b')].map(async (answer) => (await answer).text()));
    const a = await processOf(first, 'a');
    await first.signal('SIGKILL');
    process.kill(a.pid, 'SIGSTOP');
    const second = await start(config, first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({
      type: 'process.stopping',
      detail: 'not adopted: it did not answer its health check within 5 s',
    });
    expect(await fateOf(second, 'b')).toMatchObject({ type: 'process.adopted' });
    await second.stop();
    expect(await lives(a.pid)).toBe(false);
  });

  it('with adoption switched off everything is stopped', async () => {
    const config = fakeConfig(await freePorts(1), { a: {} }, 'turnout:\n  adopt: false\n');
    const first = await start(config);
    await (await ask(first, 'a')).text();
    await first.signal('SIGKILL');
    const second = await start(config, first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({
      detail: 'not adopted: adoption is switched off (turnout.adopt)',
    });
    await second.stop();
  });
});

describe('turnout.shutdown: keep-models', () => {
  it('lets SIGTERM leave models to the next start, after what is being answered was answered, and says so', async () => {
    const flags = '--tokens 40 --tokens-per-second 60';
    const config = fakeConfig(await freePorts(1), { a: { flags } }, KEEP);
    const first = await start(config);
    const stream = await ask(first, 'a', { stream: true });
    const { run, pid } = await processOf(first, 'a');
    const exit = first.signal('SIGTERM');
    expect(await stream.text()).toContain('[DONE]');
    expect(await exit).toBe('0');
    expect(first.output()).toContain(`left running, for the next start to adopt: a (process ${pid})`);
    expect(await lives(pid)).toBe(true);

    const second = await start(config, first.dir);
    expect(await fateOf(second, 'a')).toMatchObject({ type: 'process.adopted', run, pid, how: 'kept' });
    const [stopped] = await second.events('router.stopped');
    expect(stopped?.data).toEqual({ left: ['a'] });
    expect((await second.events('router.started')).at(-1)?.data.unfinished).toBeNull();
    const exit2 = second.signal('SIGINT');
    expect(await exit2).toBe('0');
    expect(await lives(pid)).toBe(false);
  });
});
