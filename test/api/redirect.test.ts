/** Requests that another model serves than the one that was asked for. */
import { describe, expect, it } from 'vitest';
import { fakeConfig } from './fake-router.ts';
import { ask, json, serve, type TestServer, upstream } from './server.ts';

const echo = () =>
  upstream((req, res, body) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ url: req.url, body: body.toString() }));
  });

/** A turnout that gives every request to this model. */
async function givenTo(serving: string): Promise<TestServer> {
  const base = await echo();
  const server = await serve(
    fakeConfig([
      { id: 'qwen', aliases: ['small'], useModelName: 'Qwen/Qwen3' },
      { id: 'llama' },
      { id: 'vendor', useModelName: 'meta/Llama' },
      { id: 'модель 1' },
    ]),
  );
  server.router.onAdmit = () => server.router.ready(serving, base);
  return server;
}

describe('an inference request that another model serves', () => {
  it.each([
    ['llama', 'llama', 'its id'],
    ['vendor', 'meta/Llama', 'its useModelName'],
  ])('says so on its answer and goes to %s as "%s", %s', async (serving, name) => {
    const server = await givenTo(serving);
    const answer = await ask(server, 'POST', '/v1/chat/completions', {
      headers: { 'content-type': 'application/json' },
      body: '{"seed":9007199254740993, "model":"small"}',
    });
    expect(answer).toMatchObject({ status: 200, headers: { 'x-turnout-model': serving } });
    expect(answer.headers['x-turnout-request-id']).toBe('req_1');
    expect(JSON.parse(answer.body).body).toBe(`{"seed":9007199254740993, "model":"${name}"}`);
  });

  it('says so on an error of that model too', async () => {
    const server = await givenTo('llama');
    server.router.onAdmit = () => server.router.ready('llama', 'http://127.0.0.1:1');
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' });
    expect(answer).toMatchObject({ status: 502, headers: { 'x-turnout-model': 'llama' } });
  });

  it('names a model whose id no header can hold percent-encoded', async () => {
    const server = await givenTo('модель 1');
    const answer = await json(server, 'POST', '/v1/completions', { model: 'llama' });
    expect(answer.status).toBe(200);
    expect(decodeURIComponent(String(answer.headers['x-turnout-model']))).toBe('модель 1');
  });

  it('leaves bodies that are not JSON as they are', async () => {
    const server = await givenTo('llama');
    const body = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nqwen\r\n--b--\r\n';
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await ask(server, 'POST', '/v1/audio/transcriptions', { headers, body });
    expect(answer.headers['x-turnout-model']).toBe('llama');
    expect(JSON.parse(answer.body).body).toBe(body);
  });
});

describe('an inference request that its own model serves', () => {
  it('has no such header, by id or by alias, and keeps the name that the client used', async () => {
    const server = await givenTo('llama');
    const answer = await json(server, 'POST', '/v1/completions', { model: 'llama' });
    expect(answer.headers['x-turnout-model']).toBeUndefined();
    expect(JSON.parse(answer.body).body).toBe('{"model":"llama"}');
    const other = await givenTo('qwen');
    const alias = await json(other, 'POST', '/v1/completions', { model: 'small' });
    expect(alias.headers['x-turnout-model']).toBeUndefined();
  });
});

describe('a request to /upstream/ that another model serves', () => {
  it('says so on its answer', async () => {
    const server = await givenTo('llama');
    const answer = await ask(server, 'GET', '/upstream/qwen/props');
    expect(answer).toMatchObject({ status: 200, headers: { 'x-turnout-model': 'llama' } });
    expect((await ask(server, 'GET', '/upstream/llama/props')).headers['x-turnout-model']).toBeUndefined();
  });
});
