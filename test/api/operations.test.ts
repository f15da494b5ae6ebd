import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { fakeConfig, startingData } from './fake-router.ts';
import { ask, eventually, serve } from './server.ts';

describe('GET /v1/models and /models', () => {
  it('list what is not unlisted, sorted, with the fields of spec 3.6', async () => {
    const server = await serve(
      fakeConfig([
        { id: 'zeta', name: 'Zeta', description: '  big one ' },
        { id: 'hidden', unlisted: true },
        { id: 'org/alpha:8b', aliases: ['alpha', 'a'] },
        { id: 'Beta', description: '   ' },
      ]),
    );
    server.router.ready('zeta', 'http://x');
    const answer = await ask(server, 'GET', '/v1/models');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const { object, data } = JSON.parse(answer.body);
    expect(object).toBe('list');
    expect(data.map(({ created: _, ...record }: { created: number }) => record)).toEqual([
      {
        id: 'Beta',
        object: 'model',
        owned_by: 'llama-swap',
        meta: { llamaswap: { type: 'model' } },
        status: { value: 'unloaded' },
      },
      {
        id: 'org/alpha:8b',
        object: 'model',
        owned_by: 'llama-swap',
        meta: { llamaswap: { type: 'model', aliases: ['alpha', 'a'] } },
        status: { value: 'unloaded' },
      },
      {
        id: 'zeta',
        object: 'model',
        owned_by: 'llama-swap',
        name: 'Zeta',
        description: 'big one',
        meta: { llamaswap: { type: 'model' } },
        status: { value: 'loaded' },
      },
    ]);
    expect(Math.abs(data[0].created - Date.now() / 1_000)).toBeLessThan(5);
    expect(JSON.parse((await ask(server, 'GET', '/models')).body).data).toHaveLength(3);
  });

  it('call a model loaded while it starts and while it stops', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const status = async () => JSON.parse((await ask(server, 'GET', '/v1/models')).body).data[0].status.value;
    const run = server.router.add('process.starting', startingData('qwen'), { model: 'qwen' });
    expect(await status()).toBe('loaded');
    server.router.add('process.stopping', { run, reason: 'ttl', killAt: 0, detail: null } as never, { model: 'qwen' });
    expect(await status()).toBe('loaded');
    const exited = { run, code: 0, signal: null, by: 'turnout', detail: null, tail: [] };
    server.router.add('process.exited', exited as never, { model: 'qwen' });
    expect(await status()).toBe('unloaded');
  });
});

describe('GET /health and /wol-health', () => {
  it.each(['/health', '/wol-health'])('%s says exactly OK', async (path) => {
    const server = await serve(fakeConfig([]));
    expect(await ask(server, 'GET', path)).toMatchObject({ status: 200, body: 'OK' });
    server.router.report = { ok: true, notes: ['a policy is disabled'], diagnostics: [] };
    expect(await ask(server, 'GET', path)).toMatchObject({ status: 200, body: 'OK' });
  });

  it('says 503 and why when requests cannot be served', async () => {
    const server = await serve(fakeConfig([]));
    server.router.report = { ok: false, notes: ['broken'], diagnostics: [] };
    expect(await ask(server, 'GET', '/health')).toMatchObject({ status: 503, body: 'not OK: broken\n' });
  });
});

describe('GET /running', () => {
  it('shows live models sorted, with macros filled in and secrets hidden', async () => {
    const server = await serve(
      fakeConfig(
        [
          {
            id: 'zeta',
            cmd: 'serve --api-key abcdef123 --port ${PORT} --ctx 8',
            ttlMs: 300_000,
            name: 'Z',
            description: 'd',
          },
          { id: 'alpha' },
          { id: 'idle' },
        ],
        { apiKeys: [] },
      ),
    );
    server.router.ready('zeta', 'http://x');
    server.router.add('process.starting', startingData('alpha'), { model: 'alpha' });
    const { running } = JSON.parse((await ask(server, 'GET', '/running')).body);
    expect(running).toEqual([
      {
        model: 'alpha',
        state: 'starting',
        cmd: 'server --port 5800',
        proxy: 'http://localhost:5800',
        ttl: 0,
        name: '',
        description: '',
      },
      {
        model: 'zeta',
        state: 'ready',
        cmd: 'serve --api-key [REDACTED] --port 5800 --ctx 8',
        proxy: 'http://localhost:5800',
        ttl: 300,
        name: 'Z',
        description: 'd',
      },
    ]);
  });

  it('prefers the command of the redacted configuration', async () => {
    const redacted = JSON.stringify({ models: [{ id: 'qwen', cmd: 'serve [REDACTED] ${PORT}' }] });
    const server = await serve(fakeConfig([{ id: 'qwen', cmd: 'serve hunter2 ${PORT}' }], { redacted }));
    server.router.ready('qwen', 'http://x');
    expect(JSON.parse((await ask(server, 'GET', '/running')).body).running[0].cmd).toBe('serve [REDACTED] 5800');
  });
});

describe('unloading', () => {
  const config = () => fakeConfig([{ id: 'org/llama:8b', aliases: ['llama'] }]);

  it('GET /unload unloads all and says OK; POST /api/models/unload says it in JSON', async () => {
    const server = await serve(config());
    expect(await ask(server, 'GET', '/unload')).toMatchObject({ status: 200, body: 'OK' });
    const answer = await ask(server, 'POST', '/api/models/unload', { headers: { 'user-agent': 'curl/8' } });
    expect(JSON.parse(answer.body)).toEqual({ msg: 'ok' });
    expect(server.router.unloaded).toEqual([
      { models: [], by: 'unknown 127.0.0.1' },
      { models: [], by: 'curl 127.0.0.1' },
    ]);
  });

  it.each(['/org/llama:8b', '/org%2Fllama%3A8b', '/llama'])(
    'POST /api/models/unload%s unloads that model',
    async (rest) => {
      const server = await serve(config());
      expect(await ask(server, 'POST', `/api/models/unload${rest}`)).toMatchObject({ status: 200, body: 'OK' });
      expect(server.router.unloaded).toMatchObject([{ models: ['org/llama:8b'] }]);
    },
  );

  it('an unknown model is 404, a name that cannot be decoded 400', async () => {
    const server = await serve(config());
    const unknown = await ask(server, 'POST', '/api/models/unload/lama');
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.body).error.message).toBe('model not found; did you mean "llama"?');
    expect((await ask(server, 'POST', '/api/models/unload/%zz')).status).toBe(400);
    expect(server.router.unloaded).toEqual([]);
  });

  it('waits until the models are gone', async () => {
    const server = await serve(config());
    let gone: () => void = () => {};
    let asked = false;
    server.router.unload = () => {
      asked = true;
      return new Promise((resolve) => {
        gone = resolve;
      });
    };
    let answered = false;
    const answer = ask(server, 'GET', '/unload').finally(() => {
      answered = true;
    });
    await eventually(() => asked, 'the order');
    expect(answered).toBe(false);
    gone();
    expect((await answer).status).toBe(200);
  });
});

describe('POST /api/models/load/<model…>', () => {
  const config = () => fakeConfig([{ id: 'org/llama:8b', aliases: ['llama'] }]);

  it('waits for the model, holds no place afterwards, and says how long the load took', async () => {
    const server = await serve(config());
    const answer = ask(server, 'POST', '/api/models/load/llama', { headers: { 'x-session-id': 's' } });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    expect(server.router.admitted[0]?.arrival).toMatchObject({
      kind: 'load',
      model: 'org/llama:8b',
      asked: 'llama',
      session: 's',
      endpoint: '/api/models/load',
      streaming: false,
    });
    server.router.admitted[0]?.settle(server.router.ready('org/llama:8b', 'http://x'));
    expect(JSON.parse((await answer).body)).toEqual({ msg: 'ok', loadMs: 1_234 });
    expect(server.router.admitted[0]?.ended).toMatchObject({ how: 'finished', report: { outcome: 'ok' } });
  });

  it('passes a refusal on', async () => {
    const server = await serve(config());
    server.router.onAdmit = () => ({
      granted: false,
      status: 500,
      code: 'start-failed',
      message: 'upstream command exited prematurely',
      retryAfterSec: null,
    });
    const answer = await ask(server, 'POST', '/api/models/load/org/llama:8b');
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body).error.message).toBe('unspecific error: upstream command exited prematurely');
  });

  it('does not know an unknown model', async () => {
    const server = await serve(config());
    expect((await ask(server, 'POST', '/api/models/load/nothing')).status).toBe(404);
    expect(server.router.admitted).toEqual([]);
  });
});

describe('GET /api/version, /api/health and /api/ps', () => {
  it('say which turnout this is', async () => {
    const server = await serve(fakeConfig([]));
    const answer = await ask(server, 'GET', '/api/version');
    expect(JSON.parse(answer.body)).toEqual({ version: '1.2.3', commit: 'abc', build_date: '2026-11-22' });
  });

  it('say how it is', async () => {
    const server = await serve(fakeConfig([]));
    server.router.report = { ok: false, notes: ['one'], diagnostics: [] };
    expect(JSON.parse((await ask(server, 'GET', '/api/health')).body)).toEqual({
      ok: false,
      notes: ['one'],
      diagnostics: [],
      version: '1.2.3',
      position: 2,
      phase: 'running',
      log: { kind: 'memory', state: 'ok', code: null, message: null, pending: 0, lost: 0, file: null },
    });
  });

  it('say what every model, request and swap is doing', async () => {
    const { router, ...server } = await serve(fakeConfig([{ id: 'qwen', name: 'Qwen' }, { id: 'llama' }]));
    const { run } = router.ready('llama', 'http://x');
    const arrived = {
      id: 'req_w',
      kind: 'inference',
      asked: 'qwen',
      client: 'ide',
      session: 's',
      method: 'POST',
      endpoint: '/v1/completions',
      bytes: 1,
      streaming: true,
      priority: 2,
    };
    router.add('request.arrived', arrived as never, { model: 'qwen' });
    router.add('target.blocked', { on: 'drain', until: null, reason: 'llama is busy' }, { model: 'qwen' });
    router.add('swap.started', { evict: [modelId('llama')], drain: null, plan: null }, { model: 'qwen' });
    const { models, waiting, swaps } = JSON.parse((await ask(server, 'GET', '/api/ps')).body);
    expect(models).toMatchObject([
      { id: 'qwen', name: 'Qwen', phase: 'stopped', run: null, pid: null, waiting: 1, inFlight: 0, idleMs: null },
      {
        id: 'llama',
        phase: 'ready',
        run,
        port: 5800,
        waiting: 0,
        loadMs: 1_234,
        ttlMs: 0,
        backoff: null,
        blocked: null,
      },
    ]);
    expect(waiting).toMatchObject([
      { id: 'req_w', model: 'qwen', client: 'ide', session: 's', priority: 2, streaming: true },
    ]);
    expect(swaps).toMatchObject([{ target: 'qwen', evict: ['llama'], phase: 'stopping', run: null }]);
  });
});
