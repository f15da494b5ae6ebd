import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { INFERENCE_PATHS } from '../../src/api/inference-paths.ts';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, json, raw, serve, upstream } from './server.ts';

const config = () =>
  fakeConfig([{ id: 'qwen', aliases: ['small'] }, { id: 'org/llama:8b' }, { id: 'secret-model', unlisted: true }]);

/** An upstream that says what it got. */
const echo = () =>
  upstream((req, res, body) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body: body.toString() }));
  });

describe('inference routes', () => {
  it.each(INFERENCE_PATHS.filter(({ method }) => method === 'POST'))(
    'POST $path goes to $forwardedPath of the granted run',
    async (route) => {
      const base = await echo();
      const server = await serve(config());
      server.router.onAdmit = () => server.router.ready('qwen', base);
      const answer = await json(server, 'POST', `${route.path}?a=%2F`, { model: 'qwen', stream: true });
      expect(answer.status).toBe(200);
      expect(answer.headers['x-turnout-request-id']).toBe('req_1');
      expect(JSON.parse(answer.body)).toMatchObject({ method: 'POST', url: `${route.forwardedPath}?a=%2F` });
      const [{ arrival, ended } = { arrival: null, ended: null }] = server.router.admitted;
      expect(arrival).toMatchObject({
        id: 'req_1',
        kind: 'inference',
        model: 'qwen',
        asked: 'qwen',
        method: 'POST',
        endpoint: route.forwardedPath,
        bytes: 30,
        streaming: true,
      });
      expect(ended).toMatchObject({ how: 'finished', report: { outcome: 'ok', status: 200, error: null } });
    },
  );

  it.each([
    ['of known length', { 'content-length': '11' }],
    ['in chunks', {}],
    ['as events', { 'content-type': 'text/event-stream' }],
  ])('write an access line with the bytes of an answer %s', async (_how, headers) => {
    const base = await upstream((_, res) => {
      res.writeHead(200, headers);
      res.write('hello ');
      setImmediate(() => res.end('world'));
    });
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    await json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.lines().some((line) => line.includes('" 200 11 "')), 'the access line');
  });

  it.each(['/v1/audio/voices', '/sdapi/v1/loras', '/props'])('GET %s takes the model from the query', async (path) => {
    const base = await echo();
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const answer = await ask(server, 'GET', `${path}?model=small`);
    expect(JSON.parse(answer.body)).toMatchObject({ method: 'GET', url: `${path}?model=small`, body: '' });
    expect((await ask(server, 'HEAD', `${path}?model=small`)).status).toBe(200);
    expect(server.router.admitted.map(({ arrival }) => [arrival.asked, arrival.model])).toEqual([
      ['small', 'qwen'],
      ['small', 'qwen'],
    ]);
  });

  it('take the model from a multipart form, whose bytes go on unchanged', async () => {
    const base = await echo();
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const body = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nqwen\r\n--b--\r\n';
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await ask(server, 'POST', '/v1/audio/transcriptions', { headers, body });
    expect(JSON.parse(answer.body)).toMatchObject({ url: '/v1/audio/transcriptions', body });
  });

  it('forward an alias unchanged, and useModelName in its place when it is set', async () => {
    const base = await echo();
    const server = await serve(
      fakeConfig([
        { id: 'qwen', aliases: ['small'] },
        { id: 'llama', useModelName: 'meta/Llama' },
      ]),
    );
    server.router.onAdmit = ({ model }) => server.router.ready(model ?? '', base);
    const unchanged = '{"seed":9007199254740993, "model" : "small"}';
    const headers = { 'content-type': 'application/json' };
    expect(JSON.parse((await ask(server, 'POST', '/v1/completions', { headers, body: unchanged })).body).body).toBe(
      unchanged,
    );
    const renamed = await ask(server, 'POST', '/v1/completions', {
      headers,
      body: '{"seed":9007199254740993, "model" : "llama"}',
    });
    expect(JSON.parse(renamed.body)).toMatchObject({
      body: '{"seed":9007199254740993, "model" : "meta/Llama"}',
      headers: { 'content-length': '49' },
    });
  });

  it('decode a compressed body for the upstream', async () => {
    const base = await echo();
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await ask(server, 'POST', '/v1/completions', { headers, body: gzipSync('{"model":"qwen"}') });
    const got = JSON.parse(answer.body);
    expect(got.body).toBe('{"model":"qwen"}');
    expect(got.headers['content-encoding']).toBeUndefined();
  });

  it('put the path of the proxy URL before that of the request', async () => {
    const base = await echo();
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', `${base}/base/`);
    const answer = await json(server, 'POST', '/v/chat/completions', { model: 'qwen' });
    expect(JSON.parse(answer.body).url).toBe('/base/chat/completions');
  });

  it('stream events as they come and count their tokens', async () => {
    let send: (text: string) => void = () => {};
    const base = await upstream((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      send = (text) => res.write(text);
      res.write('data: {"n":1}\n\n');
    });
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const body = '{"model":"qwen","stream":true}';
    const client = raw(
      server,
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await client.until(/"n":1/);
    expect(client.text().toLowerCase()).toContain('x-accel-buffering: no');
    send('data: {"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\ndata: [DONE]\n\n');
    await client.until(/DONE/);
    client.socket.destroy();
    await eventually(() => server.router.admitted[0]?.ended != null, 'the end of the request');
    const report = { outcome: 'ok', status: 200, usage: { inputTokens: 3, outputTokens: 2 } };
    expect(server.router.admitted[0]?.ended).toMatchObject({ how: 'finished', report });
  });
});

describe('a request without a model', () => {
  it.each([
    ['no body', '', 'application/json', 400],
    ['an empty object', '{}', 'application/json', 404],
    ['an array', '[]', 'application/json', 404],
    ['no content type', '{"model":"qwen"}', undefined, 404],
    ['a form without it', 'a=b', 'application/x-www-form-urlencoded', 404],
  ])('(%s) is refused and not recorded', async (_name, body, type, status) => {
    const server = await serve(config());
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const answer = await ask(server, 'POST', '/v1/completions', { headers, body });
    expect(answer.status).toBe(status);
    if (status === 404) expect(JSON.parse(answer.body).error.message).toBe('no model id could be identified');
    expect(server.router.admitted).toEqual([]);
  });

  it('that is broken JSON is told where it broke', async () => {
    const server = await serve(config());
    const answer = await ask(server, 'POST', '/v1/completions', {
      headers: { 'content-type': 'application/json' },
      body: '{"model":"qwen",\n "stream" true}',
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error.message).toMatch(/line 2/);
  });
});

describe('a request for an unknown model', () => {
  const unknown = {
    granted: false,
    status: 404,
    code: 'unknown-model',
    message: 'no router for requested model',
    retryAfterSec: null,
  } as const;

  it('is recorded, and refused with the nearest name that is listed', async () => {
    const server = await serve(config());
    server.router.onAdmit = () => unknown;
    const message = async (model: string) =>
      JSON.parse((await json(server, 'POST', '/v1/completions', { model })).body).error.message;
    expect(await message('qwne')).toBe('no router for requested model; did you mean "qwen"?');
    expect(await message('gpt-4o')).toBe('no router for requested model');
    expect(await message('secret-mode')).toBe('no router for requested model');
    expect(server.router.admitted.map(({ arrival }) => [arrival.asked, arrival.model])).toEqual([
      ['qwne', null],
      ['gpt-4o', null],
      ['secret-mode', null],
    ]);
  });

  it('has its name bounded and made printable in events', async () => {
    const server = await serve(config());
    server.router.onAdmit = () => unknown;
    await json(server, 'POST', '/v1/completions', { model: `\u001b[31m${'x'.repeat(1_000)}` });
    const asked = server.router.admitted[0]?.arrival.asked ?? '';
    expect(asked.length).toBeLessThanOrEqual(200);
    expect(asked).toMatch(/^\\x1b\[31mx+…$/);
  });
});

describe('a client that leaves', () => {
  const post = (body: string) =>
    `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('while it waits gives up its place at once', async () => {
    const server = await serve(config());
    const client = raw(server, post('{"model":"qwen"}'));
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    client.socket.destroy();
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    expect(server.router.admitted[0]?.ended).toEqual({ how: 'left', status: null, bytes: 0 });
    await eventually(() => server.lines().some((line) => line.includes('" 499 0 "')), 'the access line');
  });

  it('during the answer ends the upstream request too', async () => {
    let gone: Promise<unknown> = Promise.resolve();
    const base = await upstream((_, res) => {
      gone = once(res, 'close');
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: 1\n\n');
    });
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const client = raw(server, post('{"model":"qwen"}'));
    await client.until(/data: 1/);
    client.socket.destroy();
    await gone;
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    expect(server.router.admitted[0]?.ended).toMatchObject({ how: 'left', status: 200, bytes: 9 });
  });

  it('before its body is complete is never admitted', async () => {
    const server = await serve(config());
    const client = raw(server, post('{"model":"qwen"}').slice(0, -4));
    client.socket.end();
    await client.closed;
    expect(server.router.admitted).toEqual([]);
  });
});

describe('a request that waits', () => {
  it('is served when it is granted', async () => {
    const base = await echo();
    const server = await serve(config());
    const answer = json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    server.router.admitted[0]?.settle(server.router.ready('qwen', base));
    expect((await answer).status).toBe(200);
  });

  it('is refused when it is refused', async () => {
    const server = await serve(config());
    const answer = json(server, 'POST', '/v1/completions', { model: 'qwen' });
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    server.router.admitted[0]?.settle({
      granted: false,
      status: 503,
      code: 'queue-timeout',
      message: 'waited too long',
      retryAfterSec: 30,
    });
    expect(await answer).toMatchObject({ status: 503, headers: { 'retry-after': '30' } });
    expect(server.router.admitted[0]?.ended).toBeNull();
  });
});

describe('a broken upstream', () => {
  it('that does not answer is a 502 with a JSON body, and reported', async () => {
    const base = await upstream((req) => req.socket.destroy());
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const answer = await json(server, 'POST', '/v1/completions', { model: 'qwen' });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body).error).toMatchObject({ type: 'server_error', code: 'bad_gateway' });
    expect(server.router.admitted[0]?.ended).toMatchObject({
      how: 'finished',
      report: { outcome: 'no-answer', status: 502 },
    });
  });

  it('that breaks off an event stream becomes an error event of the client dialect', async () => {
    const base = await upstream((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('data: {"n":1}\n\n', () => res.destroy());
    });
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const answer = await json(server, 'POST', '/v1/chat/completions', { model: 'qwen', stream: true });
    expect(answer.body).toMatch(/data: \{"error":\{"message":.*\}\}\n\n$/);
    expect(server.router.admitted[0]?.ended).toMatchObject({
      how: 'finished',
      report: { outcome: 'cut', status: 200 },
    });
  });
});

describe('a body over the limit', () => {
  const small = () => fakeConfig([{ id: 'qwen' }], { turnout: { ...fakeConfig([]).turnout, maxBodyBytes: 100 } });
  const head = (more: string) =>
    `POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n`;

  it('is refused by its Content-Length, naming the setting, before it is sent', async () => {
    const server = await serve(small());
    const answer = await raw(server, head('Content-Length: 101\r\n')).until(/maxBodyBytes/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(server.router.admitted).toEqual([]);
  });

  it('is refused while it is sent in chunks', async () => {
    const server = await serve(small());
    const client = raw(server, head('Transfer-Encoding: chunked\r\n'));
    client.socket.write(`40\r\n${'x'.repeat(64)}\r\n40\r\n${'x'.repeat(64)}\r\n`);
    expect(await client.until(/maxBodyBytes/)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is not even asked for with Expect: 100-continue', async () => {
    const server = await serve(small());
    const answer = await raw(server, head('Content-Length: 101\r\nExpect: 100-continue\r\n')).until(/maxBodyBytes/);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('within the limit is asked for, and then served', async () => {
    const base = await echo();
    const server = await serve(small());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const client = raw(server, head('Content-Length: 16\r\nExpect: 100-continue\r\nConnection: close\r\n'));
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.socket.write('{"model":"qwen"}');
    await client.closed;
    expect(client.text()).toMatch(/\r\n\r\nHTTP\/1\.1 200 /);
    expect(client.text()).not.toContain('"expect"');
  });

  it('with a wrong key is refused before it is asked for', async () => {
    const server = await serve(fakeConfig([{ id: 'qwen' }], { apiKeys: ['k'] }));
    const answer = await raw(server, head('Content-Length: 16\r\nExpect: 100-continue\r\n')).until(/API key/);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });
});

describe('labels of a request', () => {
  it('are the configured headers, else product and address', async () => {
    const base = fakeConfig([{ id: 'qwen' }]);
    const server = await serve({ ...base, turnout: { ...base.turnout, clientFrom: ['X-User', 'x-app'] } });
    server.router.onAdmit = () => ({
      granted: false,
      status: 503,
      code: 'not-ready',
      message: 'x',
      retryAfterSec: null,
    });
    const labels = async (headers: Record<string, string>) => {
      await json(server, 'POST', '/v1/completions', { model: 'qwen' }, headers);
      const { client, session } = server.router.admitted.at(-1)?.arrival ?? {};
      return [client, session];
    };
    expect(await labels({ 'user-agent': 'OpenAI/JS 7.57.0', 'x-session-id': ' s-1 ' })).toEqual([
      'OpenAI 127.0.0.1',
      's-1',
    ]);
    expect(await labels({})).toEqual(['unknown 127.0.0.1', null]);
    expect(await labels({ 'x-app': 'ide', 'x-user': '' })).toEqual(['ide', null]);
    expect(await labels({ 'x-user': 'ann', 'x-app': 'ide' })).toEqual(['ann', null]);
    expect((await labels({ 'x-user': 'y'.repeat(500) }))[0]?.length).toBeLessThanOrEqual(200);
  });
});
