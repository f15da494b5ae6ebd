/** The past over HTTP: explanations of requests, positions and moments, states and their differences, swaps. */
import { describe, expect, it } from 'vitest';
import { arrived, decided, exited, finished, run, starting, swap } from '../history/story.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, serve, type TestServer } from './server.ts';

interface Filled {
  server: TestServer;
  request: number;
  plan: number;
  swap: number;
  stop: number;
}

/** qwen was loaded in place of llama for one request of `ide`. */
async function filled(): Promise<Filled> {
  const server = await serve(fakeConfig([{ id: 'qwen', aliases: ['small'] }, { id: 'llama' }]));
  const { add } = server.router;
  const llamaRun = add('process.starting', starting(null, 'llama'), { model: 'llama' });
  add('process.ready', { run: run(llamaRun), baseUrl: 'x', loadMs: 1_000 }, { model: 'llama' });
  const request = add('request.arrived', arrived('req_a', { client: 'ide' }), { model: 'qwen' });
  const plan = add('plan.decided', decided('one at a time', ['llama']), { model: 'qwen', cause: request });
  const began = add('swap.started', { evict: ['llama' as never], drain: null, plan }, { model: 'qwen', cause: plan });
  const stop = add(
    'process.stopping',
    { run: run(llamaRun), reason: 'swap', killAt: Date.now(), detail: 'for qwen' },
    { model: 'llama', cause: began },
  );
  add('process.exited', exited(llamaRun), { model: 'llama' });
  const qwenRun = add('process.starting', starting(began), { model: 'qwen', cause: began });
  const ready = add('process.ready', { run: run(qwenRun), baseUrl: 'x', loadMs: 2_000 }, { model: 'qwen' });
  add('swap.finished', { swap: swap(began), ok: true, why: null, tookMs: 2_000 }, { model: 'qwen', cause: ready });
  add('request.granted', { run: run(qwenRun), waitedMs: 2_000 }, { model: 'qwen', request });
  add('request.finished', finished(), { model: 'qwen', request });
  return { server, request, plan, swap: began, stop };
}

const messageOf = (body: string): string => JSON.parse(body).error.message;

async function get(server: TestServer, path: string): Promise<{ status: number; body: { [key: string]: unknown } }> {
  const { status, body } = await ask(server, 'GET', path);
  return { status, body: JSON.parse(body) };
}

describe('GET /api/explain', () => {
  it('tells a request with where its time went', async () => {
    const { server } = await filled();
    const { status, body } = await get(server, '/api/explain/request/req_a?utc=1');
    expect(status).toBe(200);
    const text = (body['text'] as string[]).join('\n');
    expect(text).toMatch(/the swap was decided by the group planner: one at a time/);
    expect(text).toMatch(/where its time went:\n {2}queue/);
    expect(body['facts']).toMatchObject({ id: 'req_a', times: { samples: 0 }, swap: { evicted: ['llama'] } });
  });

  it('tells a position, of a request the request', async () => {
    const { server, swap: began, request, plan } = await filled();
    const told = await get(server, `/api/explain/position/${began}`);
    expect(told.body['facts']).toMatchObject({ type: 'swap.started', model: 'qwen', causes: [plan, request] });
    const asked = await get(server, `/api/explain/position/${request}`);
    expect(asked.body['facts']).toMatchObject({ id: 'req_a', outcome: 'finished' });
  });

  it('tells what was decided about a model nearest to a moment', async () => {
    const { server, stop } = await filled();
    for (const at of ['now', String(Date.now()), '2099-01-01', String(stop + 1)]) {
      const { status, body } = await get(server, `/api/explain/model/llama?at=${encodeURIComponent(at)}`);
      expect({ at, status, type: (body['facts'] as { type: string }).type }).toMatchObject({
        status: 200,
        type: 'process.stopping',
      });
    }
    expect((await get(server, '/api/explain/model/small?at=now')).body['facts']).toMatchObject({ model: 'qwen' });
  });

  it.each([
    ['/api/explain/request/req_nobody', 404, /request "req_nobody": no such request in the log/],
    ['/api/explain/position/4711', 404, /position "4711": no such event, the log ends at \d+/],
    ['/api/explain/position/x', 404, /position "x": no such event/],
    ['/api/explain/model/gemma', 404, /model not found/],
    ['/api/explain/model/qwen?at=noon', 400, /"?at"?.*noon/],
  ])('%s answers %i and says why', async (path, status, message) => {
    const { server } = await filled();
    const answer = await ask(server, 'GET', path);
    expect(answer.status).toBe(status);
    expect(messageOf(answer.body)).toMatch(message);
  });

  it('says so when nothing was ever decided about a model', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }]));
    const answer = await ask(server, 'GET', '/api/explain/model/qwen?at=now');
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('nothing was decided about it as far as the log goes back');
  });
});

describe('GET /api/state', () => {
  const phases = (body: { [key: string]: unknown }) =>
    Object.fromEntries((body['models'] as { id: string; phase: string }[]).map(({ id, phase }) => [id, phase]));

  it('gives what was so at a position, and now when none is named', async () => {
    const { server, swap: began } = await filled();
    const then = await get(server, `/api/state?at=${began}`);
    expect(then.body).toMatchObject({ position: began, planner: expect.any(String), waiting: [{ id: 'req_a' }] });
    expect(phases(then.body)).toEqual({ qwen: 'stopped', llama: 'ready' });
    const now = await get(server, '/api/state');
    expect(phases(now.body)).toEqual({ qwen: 'ready', llama: 'stopped' });
    expect(phases((await get(server, '/api/state?at=now')).body)).toEqual({ qwen: 'ready', llama: 'stopped' });
    expect((await get(server, '/api/state?at=0')).body).toMatchObject({ position: 0, models: [] });
  });

  it('gives what is different at another moment', async () => {
    const { server, swap: began } = await filled();
    const { body } = await get(server, `/api/state?at=${began}&diff=now`);
    expect(body).toMatchObject({ from: began, to: server.router.log.durable });
    expect(body['differences']).toContainEqual({
      what: 'models qwen',
      field: 'phase',
      before: 'stopped',
      after: 'ready',
    });
    expect(body['differences']).toContainEqual({ what: 'waiting req_a', field: '', before: true });
    expect((await get(server, `/api/state?at=${began}&diff=${began}`)).body['differences']).toEqual([]);
  });

  it.each([
    ['at=noon', 400],
    ['at=3&diff=noon', 400],
    ['at=99999', 400],
  ])('refuses ?%s', async (query, status) => {
    const { server } = await filled();
    const answer = await ask(server, 'GET', `/api/state?${query}`);
    expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  });
});

describe('GET /api/swaps', () => {
  it('lists swaps with their sums', async () => {
    const { server, swap: began } = await filled();
    const { status, body } = await get(server, '/api/swaps');
    expect(status).toBe(200);
    expect(body['swaps']).toMatchObject([
      { swap: began, target: 'qwen', evicted: ['llama'], loadingMs: 2_000, request: { client: 'ide' }, reloaded: [] },
    ]);
    expect(body['sums']).toMatchObject([{ key: 'qwen', swaps: 1, evicted: 1 }]);
    expect((await get(server, '/api/swaps?by=client')).body['sums']).toMatchObject([{ key: 'ide', swaps: 1 }]);
    expect((await get(server, '/api/swaps?since=2099-01-01')).body['swaps']).toEqual([]);
  });

  it.each([
    ['by=colour', /"client" or "model"/],
    ['limit=0', /limit/],
    ['since=yesterday', /since/],
  ])('refuses ?%s', async (query, message) => {
    const answer = await ask((await filled()).server, 'GET', `/api/swaps?${query}`);
    expect(answer.status).toBe(400);
    expect(messageOf(answer.body)).toMatch(message);
  });
});
