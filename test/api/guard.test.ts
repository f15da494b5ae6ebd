import { describe, expect, it } from 'vitest';
import { fakeConfig } from './fake-router.ts';
import { ask, raw, serve, upstream } from './server.ts';

const config = () => fakeConfig([{ id: 'qwen' }, { id: 'org/llama', aliases: ['llama'] }]);

describe('every request', () => {
  it('gets an id of its own in x-turnout-request-id', async () => {
    const server = await serve(config());
    const first = await ask(server, 'GET', '/health');
    const second = await ask(server, 'GET', '/nowhere');
    expect([first.headers['x-turnout-request-id'], second.headers['x-turnout-request-id']]).toEqual(['req_1', 'req_2']);
  });

  it('gets 404 as plain text for an unknown path', async () => {
    const server = await serve(config());
    const answer = await ask(server, 'GET', '/v2/nothing', { headers: { accept: 'application/json' } });
    expect(answer).toMatchObject({ status: 404, body: '404 page not found\n' });
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['DELETE', '/props', 'GET, HEAD'],
    ['PUT', '/v1/audio/voices', 'GET, HEAD, POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['GET', '/api/models/unload', 'POST'],
    ['GET', '/api/models/load/qwen', 'POST'],
    ['POST', '/logs/stream/proxy', 'GET, HEAD'],
  ])('gets 405 and Allow for %s %s', async (method, path, allow) => {
    const server = await serve(config());
    const answer = await ask(server, method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe(allow);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it.each(['/health', '/v1/models', '/running', '/logs', '/api/health'])(
    'answers HEAD %s like GET, without a body',
    async (path) => {
      const server = await serve(config());
      const get = await ask(server, 'GET', path);
      const head = await ask(server, 'HEAD', path);
      expect(head.status).toBe(get.status);
      expect(head.body).toBe('');
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    },
  );

  it.each([
    ['/', '/ui'],
    ['/upstream', '/ui/models'],
  ])('is redirected from %s to %s', async (path, location) => {
    const server = await serve(config());
    expect(await ask(server, 'GET', path)).toMatchObject({ status: 302, headers: { location } });
  });

  it('is redirected to the path without empty segments, which base URLs with a slash at their end make', async () => {
    const server = await serve(config());
    const answer = await ask(server, 'GET', '//v1//models?x=1');
    expect(answer).toMatchObject({ status: 307, headers: { location: '/v1/models?x=1' } });
  });

  it.each([
    '/v1/../unload',
    '/v1/%2e%2e/unload',
    '/v1/..%2funload',
    '/upstream/qwen/../../unload',
    '/upstream/qwen/%2E./x',
    '/a\\b',
    '/upstream/qwen//x',
    '/upstream/qwen/%00',
  ])('is refused with 400 for the path %s', async (path) => {
    const server = await serve(config());
    expect((await ask(server, 'GET', path)).status).toBe(400);
    expect(server.router.admitted).toEqual([]);
    expect(server.router.unloaded).toEqual([]);
  });

  it.each([
    'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n',
    'GET http://evil.test/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET /health HTTP/1.1\r\nHost: a b<script>\r\nConnection: close\r\n\r\n',
    'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n',
  ])('is refused with 400 when it says %j', async (bytes) => {
    const server = await serve(config());
    expect(await raw(server, bytes).until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('preflights', () => {
  it('are answered 204 on any path, even with keys set, with the asked headers that are tokens', async () => {
    const server = await serve(fakeConfig([], { apiKeys: ['secret'] }));
    const answer = await ask(server, 'OPTIONS', '/no/such/path', {
      headers: {
        origin: 'http://a.test',
        'access-control-request-headers': 'X-Stainless-Lang, bad header, x-api-key,',
      },
    });
    expect(answer).toMatchObject({
      status: 204,
      body: '',
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
        'access-control-allow-headers': 'X-Stainless-Lang, x-api-key',
        'access-control-max-age': '86400',
      },
    });
  });

  it('name the usual headers when none are asked for, and none when none is a token', async () => {
    const server = await serve(config());
    const usual = await ask(server, 'OPTIONS', '/v1/models');
    expect(usual.headers['access-control-allow-headers']).toBe('Content-Type, Authorization, Accept, X-Requested-With');
    const empty = await ask(server, 'OPTIONS', '/v1/models', { headers: { 'access-control-request-headers': 'a b' } });
    expect(empty.headers['access-control-allow-headers']).toBe('');
  });

  it('are the only answers with CORS headers of turnout, but for the list of models', async () => {
    const server = await serve(config());
    const headers = { origin: 'http://a.test' };
    expect((await ask(server, 'GET', '/health', { headers })).headers['access-control-allow-origin']).toBeUndefined();
    expect((await ask(server, 'GET', '/models', { headers })).headers['access-control-allow-origin']).toBe(
      'http://a.test',
    );
    expect((await ask(server, 'GET', '/v1/models')).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('pages of other sites', () => {
  const crossSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', origin: 'http://evil.test' };

  it.each([
    ['GET', '/unload'],
    ['POST', '/api/models/unload'],
    ['POST', '/api/models/unload/qwen'],
    ['POST', '/api/models/load/qwen'],
    ['GET', '/upstream/qwen/'],
    ['GET', '/props?model=qwen'],
  ])('cannot ask for %s %s', async (method, path) => {
    const server = await serve(config());
    const answer = await ask(server, method, path, { headers: crossSite });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body).error).toMatchObject({ type: 'authentication_error', code: 'forbidden' });
    expect(server.router.admitted).toEqual([]);
    expect(server.router.unloaded).toEqual([]);
  });

  it('cannot unload with an old browser that only sends Origin', async () => {
    const server = await serve(config());
    for (const origin of ['http://evil.test', 'null']) {
      expect((await ask(server, 'POST', '/api/models/unload', { headers: { origin } })).status).toBe(403);
    }
    expect(server.router.unloaded).toEqual([]);
  });

  it('cannot start a model with a form', async () => {
    const server = await serve(config());
    const answer = await ask(server, 'POST', '/v1/completions?model=qwen', {
      headers: { ...crossSite, 'content-type': 'text/plain' },
      body: 'x',
    });
    expect(answer.status).toBe(403);
    expect(server.router.admitted).toEqual([]);
  });

  it('can chat with fetch, whose preflight was answered', async () => {
    const base = await upstream((_, res) => res.end('{}'));
    const server = await serve(config());
    server.router.onAdmit = () => server.router.ready('qwen', base);
    const headers = { ...crossSite, 'sec-fetch-mode': 'cors', 'content-type': 'application/json' };
    const answer = await ask(server, 'POST', '/v1/chat/completions', { headers, body: '{"model":"qwen"}' });
    expect(answer.status).toBe(200);
  });

  it('are no concern of programs and of our own page', async () => {
    const server = await serve(config());
    const own = { 'sec-fetch-site': 'same-origin', origin: `http://127.0.0.1:${server.port}` };
    expect((await ask(server, 'GET', '/unload')).status).toBe(200);
    expect((await ask(server, 'POST', '/api/models/unload', { headers: own })).status).toBe(200);
    expect(server.router.unloaded).toHaveLength(2);
  });
});
