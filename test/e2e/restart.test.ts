/**
 * The hand-over to a successor with the same pid: nothing is refused and nothing is cut, models stay loaded. What cannot
 * come up leaves everything as it is.
 */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { lives } from '../support/processes.ts';
import { BIN, startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

/** A restart starts three programs, one after another. */
const timeout = 90_000;

const running: Turnout[] = [];

async function start(config: string): Promise<Turnout> {
  const turnout = await startTurnout({ config });
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

const command = (turnout: Turnout, ...args: string[]) =>
  promisify(execFile)(process.execPath, [BIN, ...args, '--url', turnout.url]);

const starts = async (turnout: Turnout): Promise<number> => (await turnout.events('router.started')).length;

/** How often a client that connects anew each time was answered, what else it saw, and the longest that it waited. */
interface Hammered {
  answered: number;
  errors: string[];
  longestMs: number;
}

/** Connects again and again, without a pause and without keeping a connection, until it is told to end. */
async function hammer(url: string, isOver: () => boolean): Promise<Hammered> {
  const seen: Hammered = { answered: 0, errors: [], longestMs: 0 };
  while (!isOver()) {
    const began = performance.now();
    const outcome = await once(`${url}/health`);
    seen.longestMs = Math.max(seen.longestMs, performance.now() - began);
    if (outcome === '200') seen.answered++;
    else seen.errors.push(outcome);
  }
  return seen;
}

function once(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
      response.on('error', (error) => resolve(error.message));
    });
    request.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
  });
}

describe('turnout restart', () => {
  it('refuses nobody and cuts nothing under load: streams end, models stay, the pid is the same', {
    timeout,
  }, async () => {
    const flags = '--tokens 60 --tokens-per-second 40';
    const turnout = await start(fakeConfig(await freePorts(1), { a: { flags } }));
    await (await ask(turnout, 'a')).text();
    const [spawned] = await turnout.events('process.spawned');
    let over = false;
    const hammering = [1, 2, 3].map(() => hammer(turnout.url, () => over));
    const streams = [1, 2, 3].map(async () => (await ask(turnout, 'a', { stream: true })).text());
    const { stdout } = await command(turnout, 'restart');
    over = true;
    expect(stdout).toContain(`process ${turnout.pid} as before`);
    expect(stdout).toContain('a stayed loaded');
    for (const text of await Promise.all(streams)) expect(text).toContain('[DONE]');
    const seen = await Promise.all(hammering);
    expect(seen.flatMap(({ errors }) => errors)).toEqual([]);
    for (const { answered } of seen) expect(answered).toBeGreaterThan(3);
    // on an idle machine it is half a second; a busy one must not make this fail
    for (const { longestMs } of seen) expect(longestMs).toBeLessThan(10_000);

    const [, second] = await turnout.events('router.started');
    expect(second?.data).toMatchObject({ pid: turnout.pid, unfinished: null });
    const [adopted] = await turnout.events('process.adopted');
    expect(adopted?.data).toMatchObject({ pid: spawned?.data.pid, how: 'handed-over', deadline: null });
    expect((await ask(turnout, 'a')).status).toBe(200);
    expect(await turnout.events('process.spawned')).toHaveLength(1);
    expect(await turnout.events('request.lost', 'request.rejected', 'request.cancelled')).toEqual([]);
    await turnout.stop();
  });

  it('can be done again and again, and by SIGUSR2', { timeout }, async () => {
    const turnout = await start(fakeConfig(await freePorts(1), { a: {} }));
    await (await ask(turnout, 'a')).text();
    let over = false;
    const hammering = hammer(turnout.url, () => over);
    for (let n = 2; n <= 4; n++) {
      process.kill(turnout.pid, 'SIGUSR2');
      await until(`start ${n}`, async () => (await starts(turnout)) >= n || undefined);
      expect((await ask(turnout, 'a')).status).toBe(200);
    }
    over = true;
    expect((await hammering).errors).toEqual([]);
    expect(await turnout.events('process.adopted')).toHaveLength(3);
    expect(await turnout.events('process.spawned')).toHaveLength(1);
    const { data } = (await turnout.events('process.spawned'))[0] ?? { data: { pid: 0 } };
    await turnout.stop();
    expect(await lives(data.pid)).toBe(false);
    expect(await once(`${turnout.url}/health`)).toBe('ECONNREFUSED');
  });

  it('with a configuration that has errors is refused with them, and serving goes on', async () => {
    const turnout = await start(fakeConfig(await freePorts(1), { a: {} }));
    await (await ask(turnout, 'a')).text();
    await writeFile(join(turnout.dir, 'config.yaml'), 'models:\n  a:\n    cmd: ""\n    concurrencyLimit: many\n');
    const refused = await command(turnout, 'restart').catch((error: { stderr: string; code: number }) => error);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/not restarted.*error\[/s) });
    const answer = await turnout.post('/api/restart', {});
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ error: { diagnostics: expect.arrayContaining([expect.anything()]) } });
    process.kill(turnout.pid, 'SIGUSR2');
    await until('the warning', () => turnout.output().includes('SIGUSR2: not restarted') || undefined);
    expect(await (await turnout.get('/api/health')).text()).toContain('not restarted');
    expect((await ask(turnout, 'a')).status).toBe(200);
    expect(await starts(turnout)).toBe(1);
    await turnout.stop();
  });

  it('takes up a changed configuration: what did not change stays loaded', async () => {
    const ports = await freePorts(2);
    const tail = 'groups:\n  g:\n    swap: false\n    members: [a, b]\n';
    const turnout = await start(fakeConfig(ports, { a: {}, b: {} }, tail));
    await Promise.all(['a', 'b'].map(async (model) => (await ask(turnout, model)).text()));
    await writeFile(join(turnout.dir, 'config.yaml'), fakeConfig(ports, { a: {}, b: { flags: '--tokens 2' } }, tail));
    const { stdout } = await command(turnout, 'restart');
    expect(stdout).toContain('a stayed loaded');
    expect(stdout).toContain('b was stopped: not adopted: its configuration changed');
    expect((await ask(turnout, 'b')).status).toBe(200);
    await turnout.stop();
  });

  it('a page of another site may not ask for it', async () => {
    const turnout = await start(fakeConfig(await freePorts(1), { a: {} }));
    const answer = await turnout.post('/api/restart', {}, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(answer.status).toBe(403);
    expect(await starts(turnout)).toBe(1);
    await turnout.stop();
  });

  it('is called off by a SIGTERM while it waits for the end of what is being answered', async () => {
    const flags = '--tokens 60 --tokens-per-second 40';
    const turnout = await start(fakeConfig(await freePorts(1), { a: { flags } }));
    const stream = await ask(turnout, 'a', { stream: true });
    const [spawned] = await turnout.events('process.spawned');
    process.kill(turnout.pid, 'SIGUSR2');
    await until('the hand-over', () => turnout.output().includes('SIGUSR2: handing over') || undefined);
    const exit = turnout.signal('SIGTERM');
    expect(await stream.text()).toContain('[DONE]');
    expect(await exit).toBe('0');
    expect(await lives(spawned?.data.pid ?? 0)).toBe(false);
  });
});
