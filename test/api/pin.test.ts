import { describe, expect, it } from 'vitest';
import type { EventOf } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import { fakeConfig, preview } from './fake-router.ts';
import { ask, json, raw, serve, type TestServer } from './server.ts';

const config = (over = {}) => fakeConfig([{ id: 'org/llama:8b', aliases: ['llama'] }, { id: 'qwen' }], over);

async function pins(server: TestServer): Promise<EventOf<'model.pinned'>[]> {
  return (await server.router.log.read({ types: ['model.pinned'] })) as EventOf<'model.pinned'>[];
}

const message = (answer: { body: string }): string => JSON.parse(answer.body).error.message;

describe('POST /api/models/pin/<model…>', () => {
  it.each(['org/llama:8b', 'org%2Fllama%3A8b', 'llama'])('pins %s until it is unpinned', async (name) => {
    const server = await serve(config());
    const answer = await ask(server, 'POST', `/api/models/pin/${name}`, { headers: { 'user-agent': 'curl/8' } });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      msg: 'ok',
      model: 'org/llama:8b',
      owner: 'curl 127.0.0.1',
      until: null,
      phase: 'stopped',
    });
    expect(server.router.state().models.get(modelId('org/llama:8b'))?.pin).toEqual({
      owner: 'curl 127.0.0.1',
      until: null,
    });
  });

  it.each([
    ['in the query', '?for=1h30m', undefined],
    ['in a JSON body', '', '{"for": "1h30m"}'],
    ['in a JSON body that curl calls a form', '', '{"for":"1h30m","reason":null}'],
  ])('takes a duration %s', async (_where, query, body) => {
    const server = await serve(config());
    server.router.ready('qwen', 'http://x');
    const before = Date.now();
    const options =
      body === undefined ? {} : { body, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    const answer = JSON.parse((await ask(server, 'POST', `/api/models/pin/qwen${query}`, options)).body);
    expect(answer.phase).toBe('ready');
    expect(answer.until - before).toBeGreaterThanOrEqual(5_400_000);
    expect(answer.until - before).toBeLessThan(5_460_000);
    expect(await pins(server)).toMatchObject([{ model: 'qwen', data: { until: answer.until } }]);
  });

  it('names the owner by the label of the key, with the reason that was given', async () => {
    const server = await serve(config({ apiKeys: ['secret'] }));
    const headers = { authorization: 'Bearer secret' };
    await json(server, 'POST', '/api/models/pin/qwen', { reason: 'nightly\nbenchmark' }, headers);
    const [pinned] = await pins(server);
    expect(pinned?.data.owner).toMatch(/^key:[0-9a-f]+ \(nightly\\x0abenchmark\)$/);
    expect(pinned?.data.owner).not.toContain('secret');
  });

  it('takes the configured header as the owner where no key is asked for', async () => {
    const base = config();
    const server = await serve({ ...base, turnout: { ...base.turnout, clientFrom: ['x-user'] } });
    await ask(server, 'POST', '/api/models/pin/qwen', { headers: { 'x-user': 'ann' } });
    expect(await pins(server)).toMatchObject([{ data: { owner: 'ann' } }]);
  });

  it.each([
    ['?for=soon', undefined, 'read "for": expected a duration of at most 366d, such as 30m, 2h or 1d12h, got "soon"'],
    ['?for=0s', undefined, 'got "0s"'],
    ['?for=400d', undefined, 'at most 366d'],
    [`?for=${'9'.repeat(400)}d`, undefined, 'at most 366d'],
    ['?fro=2h', undefined, 'read query parameter "fro": expected "for" or "reason"; did you mean "for"?'],
    ['', '{"until": "2h"}', 'read field "until": expected "for" or "reason"'],
    ['', '{"for": 7200}', 'read field "for": expected a text, got number'],
    ['', '["2h"]', 'read the request body: expected a JSON object or nothing'],
    ['', 'for=2h', 'read the request body: expected a JSON object or nothing'],
    ['', 'null', 'read the request body: expected a JSON object or nothing'],
  ])('refuses %s %s with 400', async (query, body, expected) => {
    const server = await serve(config());
    const answer = await ask(server, 'POST', `/api/models/pin/qwen${query}`, body === undefined ? {} : { body });
    expect(answer.status).toBe(400);
    expect(message(answer)).toContain(expected);
    expect(await pins(server)).toEqual([]);
  });

  it('refuses a body that is larger than any that makes sense', async () => {
    const server = await serve(config());
    const body = JSON.stringify({ reason: 'x'.repeat(70_000) });
    expect((await ask(server, 'POST', '/api/models/pin/qwen', { body })).status).toBe(413);
    expect(await pins(server)).toEqual([]);
  });

  it('asks for a body that waits to be asked for', async () => {
    const server = await serve(config());
    const body = '{"for":"2h"}';
    const client = raw(
      server,
      `POST /api/models/pin/qwen HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    );
    await client.until(/100 Continue\r\n\r\n/);
    client.socket.write(body);
    await client.closed;
    expect(await pins(server)).toHaveLength(1);
  });

  it('pins nothing for a client that leaves before its body is complete', async () => {
    const server = await serve(config());
    const client = raw(server, 'POST /api/models/pin/qwen HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{"for"');
    const lines = () => server.lines().join('\n');
    client.socket.end();
    await client.closed;
    expect(await pins(server)).toEqual([]);
    expect(lines()).not.toContain('failed');
  });
});

describe('POST /api/models/unpin/<model…>', () => {
  it('takes a pin away and says whether there was one', async () => {
    const server = await serve(config());
    await ask(server, 'POST', '/api/models/pin/llama');
    const unpin = async () => JSON.parse((await ask(server, 'POST', '/api/models/unpin/llama')).body);
    expect(await unpin()).toEqual({ msg: 'ok', model: 'org/llama:8b', wasPinned: true });
    expect(await unpin()).toEqual({ msg: 'ok', model: 'org/llama:8b', wasPinned: false });
    expect(await server.router.log.read({ types: ['model.unpinned'] })).toMatchObject([
      { model: 'org/llama:8b', data: { by: 'unknown 127.0.0.1', why: 'operator' } },
    ]);
  });
});

describe('POST /api/models/forget/<model…>', () => {
  it('forgets what was observed of the memory of a model', async () => {
    const server = await serve(config());
    const { run } = server.router.ready('qwen', 'http://x');
    server.router.add('memory.observed', { run, bytes: { gpu0: 1_000 } }, { model: 'qwen' });
    const answer = await ask(server, 'POST', '/api/models/forget/qwen');
    expect(JSON.parse(answer.body)).toEqual({ msg: 'ok', model: 'qwen' });
    expect(server.router.state().models.get(modelId('qwen'))?.memorySamples).toEqual([]);
  });
});

describe('GET /api/plan', () => {
  it.each(['qwen', 'llama'])('says what a request for %s would lead to', async (name) => {
    const server = await serve(config());
    const answer = await ask(server, 'GET', `/api/plan?model=${name}`);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual(preview(modelId(name === 'llama' ? 'org/llama:8b' : 'qwen')));
    expect(server.router.admitted).toEqual([]);
  });

  it.each(['/api/plan', '/api/plan?model='])('asks for the model that %s does not name', async (path) => {
    const answer = await ask(await serve(config()), 'GET', path);
    expect(answer.status).toBe(400);
    expect(message(answer)).toBe('read query parameter "model": expected the name of a model, got ""');
  });

  it('asks for a key where one is set', async () => {
    const server = await serve(config({ apiKeys: ['secret'] }));
    expect((await ask(server, 'GET', '/api/plan?model=qwen')).status).toBe(401);
  });
});

describe('pins, forgetting and dry runs', () => {
  it.each([
    ['POST', '/api/models/pin/qwem'],
    ['POST', '/api/models/unpin/qwem'],
    ['POST', '/api/models/forget/qwem'],
    ['GET', '/api/plan?model=qwem'],
  ])('say which name is near for %s %s', async (method, path) => {
    const answer = await ask(await serve(config()), method, path);
    expect(answer.status).toBe(404);
    expect(message(answer)).toBe('model not found; did you mean "qwen"?');
  });

  it.each(['pin', 'unpin', 'forget'])('cannot be asked for by a page of another site: %s', async (order) => {
    const server = await serve(config());
    const before = server.router.state().position;
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', origin: 'http://evil.test' };
    expect((await ask(server, 'POST', `/api/models/${order}/qwen`, { headers })).status).toBe(403);
    expect(server.router.state().position).toBe(before);
    expect((await ask(server, 'GET', `/api/models/${order}/qwen`)).status).toBe(405);
  });
});
