import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fakeConfig } from './fake-router.ts';
import { ask, eventually, raw, serve, type TestServer, upstream } from './server.ts';

const IGNORED = [/\.(js|json|ico)$/];
const config = (over = {}, model = {}) =>
  fakeConfig([{ id: 'org' }, { id: 'org/llama:8b', aliases: ['llama'], ...model }], { ignorePaths: IGNORED, ...over });

const echo = () =>
  upstream((req, res, body) => {
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ method: req.method, url: req.url, body: body.toString() }));
  });

async function granting(base: string): Promise<TestServer> {
  const server = await serve(config());
  server.router.onAdmit = ({ model }) => server.router.ready(model ?? '', base);
  return server;
}

describe('/upstream/<model>/<path>', () => {
  it.each([
    ['GET', '/upstream/llama/props?x=%2F', 'org/llama:8b', '/props?x=%2F', '/props'],
    ['GET', '/upstream/org/llama:8b/a%2Fb%252Fc', 'org/llama:8b', '/a%2Fb%252Fc', '/a%2Fb%252Fc'],
    ['PUT', '/upstream/org%2Fllama%3A8b/', 'org/llama:8b', '/', '/'],
    ['DELETE', '/upstream/org/slots/1', 'org', '/slots/1', '/slots/1'],
  ])('passes %s %s on byte for byte', async (method, path, model, url, endpoint) => {
    const server = await granting(await echo());
    const answer = await ask(server, method, path, method === 'PUT' ? { body: 'bytes' } : {});
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ method, url, body: method === 'PUT' ? 'bytes' : '' });
    expect(answer.headers['x-turnout-request-id']).toBe('req_1');
    expect(server.router.admitted).toMatchObject([
      {
        arrival: { kind: 'passthrough', model, method, endpoint },
        ended: { how: 'finished', report: { outcome: 'ok' } },
      },
    ]);
  });

  it.each([
    ['GET', 301],
    ['HEAD', 301],
    ['POST', 308],
    ['DELETE', 308],
  ])('redirects %s without a slash behind the model with %i, keeping the query', async (method, status) => {
    const server = await serve(config());
    const answer = await ask(server, method, '/upstream/org/llama:8b?a=b');
    expect(answer).toMatchObject({ status, headers: { location: '/upstream/org/llama:8b/?a=b' } });
    expect(server.router.admitted).toEqual([]);
  });

  it('does not know other models', async () => {
    const server = await serve(config());
    const answer = await ask(server, 'GET', '/upstream/gpt/props');
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body).error.message).toBe('model not found');
  });

  it.each(['/favicon.ico', '/app/main.js', '/data%2Ejson?x=1'])('does not load a model for %s', async (path) => {
    const server = await serve(config());
    const answer = await ask(server, 'GET', `/upstream/llama${path}`);
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body).error.message).toBe(
      'model org/llama:8b is not loaded; path matches upstream.ignorePaths',
    );
    expect(server.router.admitted).toEqual([]);
  });

  it('serves such a path once the model is ready', async () => {
    const base = await echo();
    const server = await granting(base);
    server.router.ready('org/llama:8b', base);
    expect((await ask(server, 'GET', '/upstream/llama/main.js')).status).toBe(200);
  });

  it('passes refusals on, and gives up the place of a client that leaves', async () => {
    const server = await serve(config());
    const client = raw(server, 'GET /upstream/llama/ HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    client.socket.destroy();
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    server.router.onAdmit = () => ({
      granted: false,
      status: 503,
      code: 'backed-off',
      message: 'no',
      retryAfterSec: 4,
    });
    expect(await ask(server, 'GET', '/upstream/llama/')).toMatchObject({
      status: 503,
      headers: { 'retry-after': '4' },
    });
  });

  it('answers 502 in JSON when the server is gone, and reports it', async () => {
    const server = await granting('http://127.0.0.1:1');
    const answer = await ask(server, 'GET', '/upstream/llama/');
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body).error.code).toBe('bad_gateway');
    expect(server.router.admitted[0]?.ended).toMatchObject({
      how: 'finished',
      report: { outcome: 'no-answer', status: 502 },
    });
  });

  it('asks for a body that waits to be asked for', async () => {
    const server = await granting(await echo());
    const head =
      'POST /upstream/llama/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n';
    const client = raw(server, head);
    await client.until(/100 Continue\r\n\r\n/);
    client.socket.write('body');
    await client.closed;
    expect(client.text()).toContain('"body":"body"');
  });
});

/** A server that accepts WebSockets and echoes what follows the handshake. */
async function socketServer(): Promise<string> {
  const server = createServer((_, res) => res.end('plain'));
  server.on('upgrade', (req, socket, head) => {
    const key = req.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Path: ${req.url}\r\n\r\n`,
    );
    socket.write(head);
    socket.on('data', (chunk) => socket.write(`echo:${chunk}`));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function handshake(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`;
}

describe('WebSockets', () => {
  it('to /upstream/<model>/… reach the model both ways, with an access line at their end', async () => {
    const server = await granting(await socketServer());
    const client = raw(server, handshake('/upstream/llama/ws?a=1'));
    expect(await client.until(/101 Switching[\s\S]*\r\n\r\n/)).toMatch(/x-path: \/ws\?a=1/i);
    client.socket.write('hello');
    await client.until(/echo:hello/);
    expect(server.router.admitted[0]?.arrival).toMatchObject({ kind: 'passthrough', endpoint: '/ws', method: 'GET' });
    client.socket.end();
    await client.closed;
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    await eventually(
      () => server.lines().some((line) => /"GET \/upstream\/llama\/ws HTTP\/1.1" 101 /.test(line)),
      'the access line',
    );
  });

  it.each([
    ['without a key', '/upstream/llama/ws', '', ['k'], 401],
    ['with two hosts', '/upstream/llama/ws', 'Host: b\r\n', [], 400],
    ['from another site', '/upstream/llama/ws', 'Origin: http://evil.test\r\n', [], 403],
    ['from an opaque origin', '/upstream/llama/ws', 'Origin: null\r\n', [], 403],
    ['across sites', '/upstream/llama/ws', 'Sec-Fetch-Site: cross-site\r\n', [], 403],
    ['to an unknown model', '/upstream/gpt/ws', '', [], 404],
    ['with dot segments', '/upstream/llama/%2e%2e/ws', '', [], 400],
  ])('%s are refused', async (_name, path, more, apiKeys, status) => {
    const server = await serve(config({ apiKeys }));
    const client = raw(server, handshake(path, more));
    await client.closed;
    expect(client.text()).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*x-turnout-request-id: req_1[\\s\\S]*"src":"llama-swap"`),
    );
    expect(server.router.admitted).toEqual([]);
  });

  it('of our own page with a key are let through', async () => {
    const base = await socketServer();
    const server = await serve(config({ apiKeys: ['k'] }));
    server.router.onAdmit = ({ model }) => server.router.ready(model ?? '', base);
    const own = 'Origin: http://127.0.0.1:3000\r\nSec-Fetch-Site: same-site\r\nX-Api-Key: k\r\n';
    await raw(server, handshake('/upstream/llama/ws', own)).until(/101 Switching/);
  });

  it('that wait give up their place when the client leaves', async () => {
    const server = await serve(config());
    const client = raw(server, handshake('/upstream/llama/ws'));
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    client.socket.destroy();
    await eventually(() => server.router.admitted[0]?.ended != null, 'the ticket to end');
    expect(server.router.admitted[0]?.ended).toEqual({ how: 'left', status: null, bytes: 0 });
  });

  it('that wait are served when they are granted, and early bytes are not lost', async () => {
    const base = await socketServer();
    const server = await serve(config());
    const client = raw(server, `${handshake('/upstream/llama/ws')}early`);
    await eventually(() => server.router.admitted.length === 1, 'the arrival');
    client.socket.write('-more');
    await new Promise((resolve) => setImmediate(resolve));
    server.router.admitted[0]?.settle(server.router.ready('org/llama:8b', base));
    await client.until(/101 Switching[\s\S]*early[\s\S]*-more/);
    client.socket.write('later');
    await client.until(/echo:later/);
  });

  it('of a model with compat.ignoreWebsockets reach it while it is loaded, and are no request to the kernel', async () => {
    const base = await socketServer();
    const server = await serve(config({}, { ignoreWebsockets: true }));
    const refused = raw(server, handshake('/upstream/llama/ws'));
    await refused.closed;
    expect(refused.text()).toMatch(/^HTTP\/1\.1 409 [\s\S]*ignored websocket requests cannot start it/);
    server.router.ready('org/llama:8b', base);
    const client = raw(server, handshake('/upstream/llama/ws'));
    await client.until(/101 Switching/);
    client.socket.write('hello');
    await client.until(/echo:hello/);
    expect(server.router.admitted).toEqual([]);
  });

  it('to a server that is gone get a 502', async () => {
    const server = await granting('http://127.0.0.1:1');
    const client = raw(server, handshake('/upstream/llama/ws'));
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('are cut when the server closes', async () => {
    const server = await granting(await socketServer());
    const client = raw(server, handshake('/upstream/llama/ws'));
    await client.until(/101 Switching/);
    await Promise.all([server.api.close(20), client.closed]);
  });
});

describe('other offers to upgrade', () => {
  it.each([
    ['GET /health', 'h2c', /200 OK[\s\S]*OK$/],
    ['GET /v1/models', 'websocket', /200 OK/],
    ['GET /nowhere', 'websocket', /404 Not Found/],
  ])('%s with Upgrade: %s is an ordinary request', async (request, protocol, expected) => {
    const server = await serve(config());
    const client = raw(
      server,
      `${request} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\n\r\n`,
    );
    await client.until(expected);
  });

  it('a POST of Java, which offers h2c with each, is served', async () => {
    const server = await granting(await echo());
    const body = '{"model":"org"}';
    const client = raw(
      server,
      `POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await client.until(/200 OK[\s\S]*"url":"\/v1\/completions"/);
  });
});
