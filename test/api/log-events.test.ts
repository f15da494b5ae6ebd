import { describe, expect, it } from 'vitest';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, raw, serve, type TestServer } from './server.ts';

const config = () => fakeConfig([{ id: 'qwen', aliases: ['small'] }, { id: 'llama' }]);

function arrive(server: TestServer, id: string, model = 'qwen'): number {
  const data = {
    id,
    kind: 'inference',
    asked: model,
    client: 'ide',
    session: null,
    method: 'POST',
    endpoint: '/v1/completions',
    bytes: 1,
    streaming: false,
    priority: 0,
  };
  return server.router.add('request.arrived', data as never, { model });
}

async function positions(server: TestServer, query: string): Promise<number[]> {
  const { events } = JSON.parse((await ask(server, 'GET', `/api/log?${query}`)).body);
  return events.map((event: { position: number }) => event.position);
}

/** Server of 2 events of its own, then arrivals at 3 and 4, the end of the first at 5. */
async function filled(): Promise<TestServer> {
  const server = await serve(config());
  const first = arrive(server, 'req_a');
  arrive(server, 'req_b', 'llama');
  server.router.add(
    'request.cancelled',
    { stage: 'waiting', status: null, bytes: 0 },
    { model: 'qwen', request: first },
  );
  return server;
}

describe('GET /api/log', () => {
  it('returns durable events and the last durable position', async () => {
    const server = await filled();
    const { events, durable } = JSON.parse((await ask(server, 'GET', '/api/log')).body);
    expect(durable).toBe(5);
    expect(events.map((event: { type: string }) => event.type)).toEqual([
      'router.started',
      'config.applied',
      'request.arrived',
      'request.arrived',
      'request.cancelled',
    ]);
  });

  it.each([
    ['from=3', [3, 4, 5]],
    ['to=2', [1, 2]],
    ['from=2&to=3', [2, 3]],
    ['from=6', []],
    ['types=request.arrived', [3, 4]],
    ['types=request.arrived,%20request.cancelled', [3, 4, 5]],
    ['model=qwen', [3, 5]],
    ['model=small', [3, 5]],
    ['request=req_a', [3, 5]],
    ['request=4', [4]],
    ['limit=2', [1, 2]],
    ['limit=2&reverse=1', [5, 4]],
    ['since=-1h', [1, 2, 3, 4, 5]],
    ['since=2099-01-01', []],
    ['since=0', [1, 2, 3, 4, 5]],
  ])('with ?%s returns %j', async (query, expected) => {
    expect(await positions(await filled(), query)).toEqual(expected);
  });

  it.each([
    ['from=x', 'from'],
    ['limit=0', 'limit'],
    ['limit=100000', 'limit'],
    ['types=request.flew', 'types'],
    ['since=yesterday', 'since'],
    ['reverse=maybe', 'reverse'],
  ])('refuses ?%s and names the parameter', async (query, name) => {
    const answer = await ask(await filled(), 'GET', `/api/log?${query}`);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.message).toContain(`read query parameter "${name}"`);
  });

  it('does not know unknown models and requests', async () => {
    const server = await filled();
    expect((await ask(server, 'GET', '/api/log?model=gpt')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/log?request=req_zzz')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/log?request=1')).status).toBe(404);
  });
});

describe('GET /api/log?follow=1', () => {
  const follow = (query: string, headers = '') => `GET /api/log?follow=1${query} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
  const ids = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));

  it('sends what comes, as it stands in the log', async () => {
    const server = await filled();
    const client = raw(server, follow(''));
    await client.until(/text\/event-stream[\s\S]*\r\n\r\n/);
    arrive(server, 'req_c');
    const text = await client.until(/req_c.*\n\n/);
    expect(ids(text)).toEqual([6]);
    expect(text).toContain('event: request.arrived\ndata: {"');
    expect(JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')).toMatchObject({ position: 6, data: { id: 'req_c' } });
  });

  it('sends what the log holds first when it is asked for', async () => {
    const server = await filled();
    const client = raw(server, follow('&from=4'));
    await client.until(/id: 5\n/);
    arrive(server, 'req_c');
    expect(ids(await client.until(/id: 6\n/))).toEqual([4, 5, 6]);
  });

  it('sends the newest so many first with a limit', async () => {
    const server = await filled();
    const client = raw(server, follow('&limit=2&model=qwen'));
    await client.until(/id: 5\n/);
    arrive(server, 'req_l', 'llama');
    arrive(server, 'req_c');
    expect(ids(await client.until(/id: 7\n/))).toEqual([3, 5, 7]);
  });

  it('goes on after Last-Event-ID, without a gap or a repetition', async () => {
    const server = await filled();
    const first = raw(server, follow('&from=1'));
    await first.until(/id: 3\n/);
    first.socket.destroy();
    for (let i = 0; i < 50; i++) arrive(server, `req_${i}`);
    const second = raw(server, follow('&from=1', 'Last-Event-ID: 3\r\n'));
    await second.until(/id: 20\n/);
    for (let i = 50; i < 100; i++) arrive(server, `req_${i}`);
    expect(ids(await second.until(/id: 105\n/))).toEqual(Array.from({ length: 102 }, (_, i) => i + 4));
  });

  it('filters like the query without follow', async () => {
    const server = await filled();
    const client = raw(server, follow('&from=1&types=request.cancelled&request=req_a'));
    await client.until(/id: 5\n/);
    server.router.add('request.retried', { reason: 'x' }, { model: 'qwen', request: 3 });
    server.router.add('request.cancelled', { stage: 'serving', status: 200, bytes: 1 }, { model: 'llama', request: 4 });
    server.router.add('request.cancelled', { stage: 'serving', status: 200, bytes: 1 }, { model: 'qwen', request: 3 });
    expect(ids(await client.until(/id: 8\n/))).toEqual([5, 8]);
  });

  it('serves a slow client from the log, so that it misses nothing and nothing is kept for it', async () => {
    const server = await filled();
    const client = raw(server, follow('&from=1'));
    await client.until(/id: 5\n/);
    client.socket.pause();
    const what = 'x'.repeat(40_000);
    for (let i = 0; i < 400; i++) {
      server.router.add('stall.detected', { what, repaired: true });
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    let end = '';
    client.socket.on('data', (chunk: Buffer) => {
      // looked for in the end only, wherever the pieces are cut: the whole is 16 MB
      end = (end + chunk.toString('latin1')).slice(-50_000);
    });
    client.socket.resume();
    await eventually(() => end.endsWith('}\n\n\r\n') && end.includes('id: 405\n'), 'the last event');
    expect(ids(client.text())).toEqual(Array.from({ length: 405 }, (_, i) => i + 1));
  });

  it('ends when the server closes its streams', async () => {
    const server = await filled();
    const client = raw(server, follow('&from=5'));
    await client.until(/id: 5\n/);
    server.api.closeStreams();
    await client.until(/\r\n0\r\n\r\n$/);
    await eventually(() => server.lines().some((line) => line.includes('GET /api/log ')), 'the access line');
  });

  it('refuses a Last-Event-ID that is no position', async () => {
    expect(await raw(await filled(), follow('', 'Last-Event-ID: abc\r\n')).until(/Last-Event-ID/)).toMatch(/ 400 /);
  });
});

describe('GET /api/explain…', () => {
  it('tells what every request waits for now', async () => {
    const server = await filled();
    server.router.add(
      'target.blocked',
      { on: 'drain', until: null, reason: 'qwen is busy with 1 request' },
      { model: 'llama' },
    );
    const { text, facts } = JSON.parse((await ask(server, 'GET', '/api/explain')).body);
    expect(text).toEqual([
      expect.stringMatching(/^request req_b of client "ide" waits \d+ ms for llama: qwen is busy/),
    ]);
    expect(facts.waiting).toMatchObject([{ id: 'req_b', on: 'drain' }]);
  });

  it.each(['req_a', '3'])('tells the story of request %s', async (id) => {
    const answer = await ask(await filled(), 'GET', `/api/explain/request/${id}?utc=1`);
    const { text, facts } = JSON.parse(answer.body);
    expect(text[0]).toMatch(/^request req_a asked for "qwen".* UTC from client "ide"$/);
    expect(text.at(-1)).toMatch(/^the client left at .* while it was waiting$/);
    expect(facts).toMatchObject({ id: 'req_a', outcome: 'cancelled' });
  });

  it.each(['qwen', 'small'])('tells why %s is not loaded', async (name) => {
    const { text, facts } = JSON.parse((await ask(await filled(), 'GET', `/api/explain/model/${name}`)).body);
    expect(text[0]).toBe('qwen is not loaded');
    expect(facts).toMatchObject({ model: 'qwen', phase: 'stopped' });
  });

  it('does not know what is not there', async () => {
    const server = await filled();
    expect((await ask(server, 'GET', '/api/explain/request/req_zzz')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/explain/request/1')).status).toBe(404);
    expect((await ask(server, 'GET', '/api/explain/model/gpt')).status).toBe(404);
  });
});
