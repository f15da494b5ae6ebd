/** Reloading while it runs: what did not change goes on, what did is replaced, a bad file changes nothing. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const running: Turnout[] = [];

async function start(config: string, ...args: string[]): Promise<Turnout> {
  const turnout = await startTurnout({ config, args });
  running.push(turnout);
  return turnout;
}

afterEach(async () => {
  for (const turnout of running.splice(0)) await turnout.dispose();
});

const ask = (turnout: Turnout, model: string, more = {}) =>
  turnout.post('/v1/chat/completions', { model, messages: [], ...more });

/** As editors write: another file, renamed over. */
async function edit(turnout: Turnout, text: string): Promise<void> {
  await writeFile(join(turnout.dir, 'new.yaml'), text);
  await rename(join(turnout.dir, 'new.yaml'), join(turnout.dir, 'config.yaml'));
}

async function reload(turnout: Turnout, text: string): Promise<void> {
  const before = (await turnout.events('config.applied')).length;
  await edit(turnout, text);
  process.kill(turnout.pid, 'SIGHUP');
  await until('the configuration to be applied', async () => (await turnout.events('config.applied')).length > before);
}

const TOGETHER = 'groups: { all: { swap: false, members: [a, b] } }';

describe('SIGHUP', () => {
  it('keeps what did not change running, though its port would be another one now', async () => {
    const port = await freePorts(4);
    const turnout = await start(fakeConfig(port, { a: {}, b: {} }, TOGETHER));
    await (await ask(turnout, 'a')).text();
    await (await ask(turnout, 'b')).text();
    // a model that comes first in the order of ids takes the first port
    const more = fakeConfig(
      port,
      { a: { more: ['ttl: 300'] }, Aa: {}, b: {} },
      'groups: { all: { swap: false, members: [a, b, Aa] } }',
    );
    await reload(turnout, more);
    expect((await ask(turnout, 'Aa')).status).toBe(200);
    expect((await ask(turnout, 'a')).status).toBe(200);
    const started = await turnout.events('process.starting');
    expect(started.map((event) => event.model)).toEqual(['a', 'b', 'Aa']);
    expect(new Set(started.map((event) => event.data.port)).size).toBe(3);
    await turnout.stop();
  });

  it('lets a stream finish on the old run, and gives new requests to the new one', async () => {
    const port = await freePorts(2);
    const turnout = await start(fakeConfig(port, { a: { flags: '--tokens 40 --tokens-per-second 40' } }));
    const response = await ask(turnout, 'a', { stream: true });
    await reload(turnout, fakeConfig(port, { a: { flags: '--tokens 3' } }));
    const next = ask(turnout, 'a');
    expect(await response.text()).toContain('[DONE]');
    expect((await next).status).toBe(200);
    const [first, second] = await turnout.events('process.starting');
    expect(first?.data.specDigest).not.toBe(second?.data.specDigest);
    const stopping = await turnout.events('process.stopping');
    expect(stopping.map((event) => event.data.reason)).toEqual(['stale']);
    await turnout.stop();
  });

  it('stops a model that is gone when it serves nobody any more, and knows it no longer', async () => {
    const port = await freePorts(2);
    const turnout = await start(
      fakeConfig(port, { a: { flags: '--tokens 30 --tokens-per-second 40' }, b: {} }, TOGETHER),
    );
    const response = await ask(turnout, 'a', { stream: true });
    await reload(turnout, fakeConfig(port, { b: {} }));
    expect((await ask(turnout, 'a')).status).toBe(404);
    expect(await response.text()).toContain('[DONE]');
    await until('the model to be gone', async () => (await turnout.events('process.exited')).length === 1);
    await turnout.stop();
  });

  it('keeps the configuration when the new one is bad, and says so', async () => {
    const turnout = await start(fakeConfig(await freePorts(1), { a: {} }));
    const stop = new AbortController();
    const following = await turnout.get('/api/log?follow=1', { signal: stop.signal });
    await edit(turnout, 'models:\n  a:\n    ttl: never\n');
    process.kill(turnout.pid, 'SIGHUP');
    await until('the refusal in the log', () => turnout.output().includes('not reloaded'));
    expect(turnout.output()).toMatch(/config\.yaml:3:\d+/);
    expect((await turnout.get('/health')).status).toBe(200);
    const health = (await (await turnout.get('/api/health')).json()) as { ok: boolean; notes: string[] };
    expect(health).toMatchObject({ ok: true, notes: [expect.stringContaining('was not reloaded')] });
    const decoder = new TextDecoder();
    let told = '';
    for await (const chunk of following.body ?? []) {
      told += decoder.decode(chunk as Uint8Array);
      if (told.includes('event: health')) break;
    }
    expect(told).toMatch(/event: health\ndata: .*was not reloaded.*"diagnostics":\[\{.*"line":3/);
    stop.abort();
    expect((await ask(turnout, 'a')).status).toBe(200);
    await turnout.stop();
  });
});

describe('--watch-config', () => {
  it('notices a file that is renamed over the old one', async () => {
    const port = await freePorts(2);
    const turnout = await start(fakeConfig(port, { a: {} }), '--watch-config');
    await edit(turnout, fakeConfig(port, { a: {}, b: {} }));
    await until('the new model', async () => (await ask(turnout, 'b')).status === 200);
    await turnout.stop();
  });
});

describe('a hundred reloads under traffic', () => {
  it('lose no request and run no model twice', { timeout: 90_000 }, async () => {
    const port = await freePorts(6);
    const variants = [0, 1, 2, 3].map((n) =>
      fakeConfig(
        port,
        {
          a: { flags: `--tokens ${2 + (n % 2)}` },
          b: { flags: '--tokens 2', more: [`ttl: ${n + 1}`] },
          [`extra${n}`]: {},
        },
        TOGETHER,
      ),
    );
    const turnout = await start(variants[0] ?? '');
    let reloading = true;
    const statuses = new Map<number, number>();
    const clients = ['a', 'b', 'a', 'b'].map(async (model) => {
      while (reloading) {
        const response = await ask(turnout, model);
        await response.text();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      }
    });
    for (let n = 1; n <= 100; n++) await reload(turnout, variants[n % variants.length] ?? '');
    reloading = false;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(20);
    const live = new Set<string>();
    for (const event of await turnout.events('process.starting', 'process.exited')) {
      const model = String(event.model);
      if (event.type === 'process.exited') live.delete(model);
      else {
        expect(live.has(model), `${model} at ${event.position}`).toBe(false);
        live.add(model);
      }
    }
    expect((await turnout.get('/api/health').then((answer) => answer.json())) as object).toMatchObject({
      ok: true,
      notes: [],
    });
    await turnout.stop();
  });
});
