/** The probes that http-proxy fails when it is used bare, over real sockets. */
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { RelayResult } from '../../src/api/forward/result.ts';
import { createPassThrough, type PassThrough } from '../../src/api/pass-through.ts';
import type { TurnoutError } from '../../src/core/errors.ts';
import { runId } from '../../src/core/ids.ts';
import {
  afterTest,
  closedPort,
  httpUpstream,
  type Listening,
  listen,
  rawClient,
  rawUpstream,
  until,
} from './servers.ts';

const RUN = runId(7);

// node warns once per process, so it is listened to before the library is loaded for the first time
const warnings: string[] = [];
process.on('warning', (warning) => warnings.push(warning.message));

interface PassFront extends Listening {
  pass: PassThrough;
  results: RelayResult[];
  result(index?: number): Promise<RelayResult>;
}

/** Passes everything on; answers what was not answered, as the real application does. */
async function passFront(upstream: { url: string }, basePath = '', now?: () => number): Promise<PassFront> {
  const pass = createPassThrough(now);
  const results: RelayResult[] = [];
  const target = (req: http.IncomingMessage) => ({ run: RUN, baseUrl: upstream.url + basePath, path: req.url ?? '' });
  const server = http.createServer(async (req, res) => {
    try {
      const result = await pass.web(req, res, target(req));
      results.push(result);
      if (result.status === null && result.error !== null) res.writeHead(result.error.status).end(result.error.message);
    } catch (error) {
      res.writeHead((error as TurnoutError).status).end((error as Error).message);
    }
  });
  server.on('upgrade', async (req, socket, head) => {
    socket.on('error', () => {});
    const answer = (error: TurnoutError) =>
      socket.end(`HTTP/1.1 ${error.status} X\r\nConnection: close\r\n\r\n${error.message}`);
    try {
      const result = await pass.upgrade(req, socket, head, target(req));
      results.push(result);
      if (result.status === null && result.error !== null) answer(result.error);
    } catch (error) {
      answer(error as TurnoutError);
    }
  });
  const listening = await listen(server);
  afterTest(() => pass.close());
  return { ...listening, pass, results, result: (index = 0) => until(() => results[index]) };
}

/** Echoes what it read of each request, as text. */
function echoUpstream(): Promise<Listening> {
  return httpUpstream(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    res.end(`${req.method} ${req.url} [${body}] ${JSON.stringify(req.headers)}`);
  });
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('web()', () => {
  it.each(['/x%2Fy%252Fz', '/v1/models?u=http://a//b/../c', '/http:/x', '/%7Euser/%C3%A9;a=b', '/a/', '/'])(
    'passes the target %s on byte for byte',
    async (path) => {
      let line = '';
      const upstream = await rawUpstream((socket, text) => {
        line = text.split('\r\n')[0]!;
        socket.write(OK);
      });
      const front = await passFront(upstream, '/base');
      await rawClient(front.port, `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`).closed;
      expect(line).toBe(`GET /base${path} HTTP/1.1`);
      expect(await front.result()).toMatchObject({ outcome: 'ok', status: 200, bytes: 2, usage: null });
    },
  );

  it.each(['/../x', '/a/%2e%2e/b', '/a\\b', '//x', '/a/%00', 'http://h/x', '/a/.%2E%2fb', '/a/..;/b', '/a#b'])(
    'refuses the target %s before anything is sent',
    async (path) => {
      const upstream = await rawUpstream(() => {});
      const front = await passFront(upstream);
      const answer = await rawClient(front.port, `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`).closed;
      expect(answer.text).toMatch(/^HTTP\/1\.1 400/);
      expect(upstream.sockets.size).toBe(0);
    },
  );

  it('refuses two Host headers', async () => {
    const front = await passFront(await rawUpstream(() => {}));
    const answer = await rawClient(front.port, 'GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n')
      .closed;
    expect(answer.text).toMatch(/^HTTP\/1\.1 400/);
  });

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    'lets no chunked body of %s become a request of its own',
    async (method) => {
      const requests: string[] = [];
      const upstream = await httpUpstream(async (req, res) => {
        let body = '';
        for await (const chunk of req) body += String(chunk);
        requests.push(`${req.method} ${req.url} ${body.length}`);
        res.end('ok');
      });
      const front = await passFront(upstream);
      // a kept-alive connection to the upstream exists before, and is used after
      await (await fetch(`${front.url}/before`)).text();
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n';
      const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
      await rawClient(
        front.port,
        `${method} /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}`,
      ).closed;
      await (await fetch(`${front.url}/victim`)).text();
      expect(requests).toEqual(['GET /before 0', `${method} /a ${smuggled.length}`, 'GET /victim 0']);
    },
  );

  it('sends an unexpected body on a connection that is not used again', async () => {
    const heads: string[] = [];
    const upstream = await rawUpstream((socket, text) => {
      heads.push(text);
      socket.end(OK);
    });
    const front = await passFront(upstream);
    await rawClient(front.port, 'DELETE /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc')
      .closed;
    expect(heads[0]).toMatch(/\r\nconnection: close\r\n/i);
    expect(heads[0]).toMatch(/\r\ncontent-length: 3\r\n/i);
  });

  it('passes bodies with a length and in chunks', async () => {
    const front = await passFront(await echoUpstream());
    const sized = await fetch(`${front.url}/a`, { method: 'POST', body: 'hello' });
    expect(await sized.text()).toMatch(/^POST \/a \[hello\] .*"content-length":"5"/);
    const chunked = await fetch(`${front.url}/b`, {
      method: 'PUT',
      body: new Blob(['one', 'two']).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(await chunked.text()).toMatch(/^PUT \/b \[onetwo\] .*"transfer-encoding":"chunked"/);
    const empty = await fetch(`${front.url}/c`, { method: 'POST' });
    expect(await empty.text()).toMatch(/^POST \/c \[\] .*"content-length":"0"/);
  });

  it('passes a body sent with Expect: 100-continue', async () => {
    const front = await passFront(await echoUpstream());
    const send =
      'POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n';
    const client = rawClient(front.port, send);
    await until(() => client.answer.text.includes('100 Continue'));
    client.socket.write('hi');
    expect((await client.closed).text).toContain('POST /a [hi]');
  });

  it('strips hop-by-hop headers both ways and keeps what a client must not remove', async () => {
    let head = '';
    const upstream = await rawUpstream((socket, text) => {
      head = text;
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: p\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
      );
    });
    const front = await passFront(upstream);
    const answer = await rawClient(
      front.port,
      'GET /a HTTP/1.1\r\nHost: front.test\r\nConnection: close, authorization, x-mine\r\nAuthorization: Bearer k\r\nX-Mine: 1\r\nTE: trailers\r\nProxy-Authorization: p\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n',
    ).closed;
    expect(head).toMatch(/\r\nhost: front\.test\r\n/i);
    expect(head).toMatch(/\r\nauthorization: Bearer k\r\n/i);
    expect(head).toMatch(/\r\nx-forwarded-for: 6\.6\.6\.6, 127\.0\.0\.1\r\n/i);
    expect(head).not.toMatch(/x-mine|\r\nte:|proxy-authorization/i);
    expect(answer.text).toMatch(/Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n/);
    expect(answer.text).toMatch(/\r\nConnection: close\r\n/);
    expect(answer.text).not.toMatch(/x-hop|timeout=9|proxy-authenticate/i);
  });

  it('sends the head of a stream at once', async () => {
    const upstream = await httpUpstream((_req, res) =>
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
    );
    const front = await passFront(upstream);
    const client = rawClient(front.port, 'GET /s HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => client.answer.text.includes('\r\n\r\n'));
    expect(client.answer.text).toMatch(/\r\nx-accel-buffering: no\r\n/i);
  });

  it.each([
    ['a silent GET', 'GET /s HTTP/1.1\r\nHost: h\r\n\r\n', ''],
    ['a silent POST', 'POST /s HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx', ''],
    ['an upload', 'POST /s HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nx', ''],
    [
      'a stream',
      'GET /s HTTP/1.1\r\nHost: h\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n',
    ],
  ])('closes the upstream of %s when the client leaves', async (_what, send, answer) => {
    const upstream = await rawUpstream((socket) => answer !== '' && socket.write(answer));
    const front = await passFront(upstream);
    const client = rawClient(front.port, send);
    await until(() => upstream.sockets.size === 1 && client.answer.text.includes(answer.slice(-9)));
    client.socket.destroy();
    expect(await front.result()).toMatchObject({ outcome: 'client-gone', status: answer === '' ? null : 200 });
    await until(() => upstream.sockets.size === 0, 'the upstream to be closed');
    expect(front.pass.activity(RUN)).toEqual({ open: 0, idleMs: null, busy: false });
  });

  it.each([
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'resetAndDestroy'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'end'],
    ['a length', 'Content-Length: 50\r\n\r\nhello', 'end'],
  ] as const)('never ends an answer with %s as if it were whole after %s', async (_what, rest, how) => {
    const upstream = await rawUpstream((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => socket[how]());
    });
    const front = await passFront(upstream);
    const failed = fetch(`${front.url}/x`).then((answer) => answer.text());
    await expect(failed).rejects.toThrow();
    expect(await front.result()).toMatchObject({ outcome: 'cut', status: 200 });
  });

  it('leaves it to the caller to answer when the upstream is down or talks nonsense', async () => {
    const upstream = await rawUpstream((socket) => socket.end('nonsense\r\n\r\n'));
    const front = await passFront(upstream);
    expect((await fetch(`${front.url}/x`)).status).toBe(502);
    const url = `http://127.0.0.1:${await closedPort()}`;
    const down = await passFront({ url });
    const answer = await fetch(`${down.url}/x`);
    expect(answer.status).toBe(502);
    expect(await answer.text()).toBe(`ask "${url}": expected an answer, got connection refused`);
    expect(await down.result()).toMatchObject({ outcome: 'no-answer', status: null });
  });

  it('relays an answer that comes before the body was sent, and closes the upstream', async () => {
    const upstream = await rawUpstream((socket) => socket.write('HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig'));
    const front = await passFront(upstream);
    const client = rawClient(front.port, 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nstart');
    await until(() => client.answer.text.endsWith('big'));
    expect(await front.result()).toMatchObject({ outcome: 'ok', status: 413 });
    await until(() => upstream.sockets.size === 0, 'the upstream to be closed');
  });

  it('reuses the connections of a run until it is closed', async () => {
    let connections = 0;
    const server = http.createServer((_req, res) => res.end('ok'));
    server.on('connection', () => connections++);
    const upstream = await listen(server);
    const front = await passFront(upstream);
    for (let i = 0; i < 3; i++) await (await fetch(`${front.url}/x`)).text();
    expect(connections).toBe(1);
    front.pass.closeRun(RUN);
    await until(() => upstream.sockets.size === 0);
  });

  it('cuts what is under way when the run is closed', async () => {
    const upstream = await rawUpstream((socket, text) => {
      if (text.startsWith('GET /stream'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    });
    const front = await passFront(upstream);
    const silent = fetch(`${front.url}/silent`);
    const stream = rawClient(front.port, 'GET /stream HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => stream.answer.text.endsWith('x\r\n') && upstream.sockets.size === 2);
    front.pass.closeRun(RUN);
    expect((await silent).status).toBe(502);
    expect((await stream.closed).text.endsWith('0\r\n\r\n')).toBe(false);
    expect(front.results.map((result) => result.outcome).sort()).toEqual(['cut', 'no-answer']);
    // whoever listens on the port now is not the process that the request was granted to
    expect((await fetch(`${front.url}/late`)).status).toBe(502);
    expect(upstream.sockets.size).toBe(0);
  });

  it('says what is open and when bytes last moved', async () => {
    let now = 1_000;
    let write: (text: string) => void = () => {};
    const upstream = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      write = (text) => socket.write(text);
    });
    const front = await passFront(upstream, '', () => now);
    const client = rawClient(front.port, 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n');
    await until(() => client.answer.text.includes('\r\n\r\n'));
    now += 100_000;
    expect(front.pass.activity(RUN)).toEqual({ open: 1, idleMs: 100_000, busy: false });
    write('abc');
    await until(() => client.answer.text.includes('abc'));
    expect(front.pass.activity(RUN)).toEqual({ open: 1, idleMs: 0, busy: true });
  });

  it('prints no deprecation warning', async () => {
    const front = await passFront(await echoUpstream());
    await (await fetch(`${front.url}/x`)).text();
    expect(warnings).toEqual([]);
  });
});

describe('upgrade()', () => {
  const HANDSHAKE =
    'GET /ws%2Fx?a=1 HTTP/1.1\r\nHost: front.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n';
  const SWITCH =
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\nProxy-Authenticate: p\r\n\r\n';

  /** Switches protocols, then echoes every byte. */
  function echoSocket(onHead: (head: string) => void = () => {}): Promise<Listening> {
    return listen(
      net.createServer((socket) => {
        socket.on('error', () => {});
        let head = '';
        socket.on('data', (chunk) => {
          if (head.includes('\r\n\r\n')) {
            socket.write(chunk);
            return;
          }
          head += chunk.toString('latin1');
          if (!head.includes('\r\n\r\n')) return;
          const early = head.slice(head.indexOf('\r\n\r\n') + 4);
          onHead(head);
          socket.write(SWITCH + early);
        });
      }),
    );
  }

  it('connects the sockets, with clean headers both ways, early bytes included', async () => {
    let head = '';
    const upstream = await echoSocket((text) => {
      head = text;
    });
    const front = await passFront(upstream, '/base');
    const client = rawClient(front.port, `${HANDSHAKE}early`);
    await until(() => client.answer.text.endsWith('early'));
    client.socket.write(' late');
    await until(() => client.answer.text.endsWith('early late'));
    expect(head).toMatch(/^GET \/base\/ws%2Fx\?a=1 HTTP\/1\.1\r\n/);
    expect(head).toMatch(/\r\nhost: front\.test\r\n/i);
    expect(head).toMatch(/\r\nupgrade: websocket\r\n/i);
    expect(head).toMatch(/\r\nsec-websocket-key: k\r\n/i);
    expect(client.answer.text).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\nsec-websocket-accept: a\r\n/i);
    expect(client.answer.text).not.toMatch(/proxy-authenticate/i);
    expect(front.pass.activity(RUN)).toMatchObject({ open: 1, busy: true });
    client.socket.end();
    expect(await front.result()).toMatchObject({ outcome: 'ok', status: 101, bytes: 10 });
    expect((await client.closed).ended).toBe('fin');
    await until(() => upstream.sockets.size === 0);
    expect(front.pass.activity(RUN).open).toBe(0);
  });

  it.each(['destroy', 'resetAndDestroy'] as const)('closes the upstream when the client leaves by %s', async (how) => {
    const upstream = await echoSocket();
    const front = await passFront(upstream);
    const client = rawClient(front.port, HANDSHAKE);
    await until(() => client.answer.text.includes('101'));
    client.socket[how]();
    expect((await front.result()).status).toBe(101);
    await until(() => upstream.sockets.size === 0);
  });

  it('closes the upstream when the client leaves before the switch', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await passFront(upstream);
    const client = rawClient(front.port, HANDSHAKE);
    await until(() => upstream.sockets.size === 1);
    client.socket.resetAndDestroy();
    expect(await front.result()).toMatchObject({ outcome: 'client-gone', status: null });
    await until(() => upstream.sockets.size === 0);
  });

  it('closes the client when the upstream breaks', async () => {
    const upstream = await rawUpstream((socket) => socket.write(SWITCH, () => socket.resetAndDestroy()));
    const front = await passFront(upstream);
    await rawClient(front.port, HANDSHAKE).closed;
    expect(['cut', 'ok']).toContain((await front.result()).outcome);
  });

  it.each([
    ['a length', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nno'],
    ['chunks', 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n2\r\nno\r\n0\r\n\r\n'],
  ])('relays a refusal with %s as the answer it is', async (_what, refusal) => {
    const upstream = await rawUpstream((socket) => socket.write(refusal));
    const front = await passFront(upstream);
    const answer = await rawClient(front.port, HANDSHAKE).closed;
    expect(answer.text).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer.text).toMatch(/\r\nX-A: 1\r\n/);
    expect(answer.text).toMatch(/\r\nconnection: close\r\n\r\nno$/);
    expect(await front.result()).toMatchObject({ outcome: 'ok', status: 403, bytes: 2 });
  });

  it.each([
    ['is down', null],
    ['closes without a word', ''],
    ['talks nonsense', 'nonsense\r\n\r\n'],
  ])('leaves it to the caller to answer when the upstream %s', async (_what, answer) => {
    const upstream =
      answer === null
        ? { url: `http://127.0.0.1:${await closedPort()}` }
        : await rawUpstream((socket) => socket.end(answer));
    const front = await passFront(upstream);
    expect((await rawClient(front.port, HANDSHAKE).closed).text).toMatch(/^HTTP\/1\.1 502 /);
    expect(await front.result()).toMatchObject({ outcome: 'no-answer', status: null });
  });

  it.each([
    ['a dot segment', HANDSHAKE.replace('/ws%2Fx', '/a/../b')],
    ['a body', HANDSHAKE.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\nabc')],
    ['another protocol', HANDSHAKE.replace('WebSocket', 'h2c')],
    ['another method', HANDSHAKE.replace('GET', 'POST')],
  ])('refuses %s', async (_what, send) => {
    const upstream = await rawUpstream(() => {});
    const front = await passFront(upstream);
    expect((await rawClient(front.port, send).closed).text).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.sockets.size).toBe(0);
  });

  it('closes both sockets with the run', async () => {
    const upstream = await echoSocket();
    const front = await passFront(upstream);
    const client = rawClient(front.port, HANDSHAKE);
    await until(() => client.answer.text.includes('101'));
    front.pass.closeRun(RUN);
    await client.closed;
    expect((await front.result()).outcome).toBe('cut');
    await until(() => upstream.sockets.size === 0);
  });

  it('leaves no socket behind after many', async () => {
    const upstream = await echoSocket();
    const front = await passFront(upstream);
    for (let i = 0; i < 100; i++) {
      const client = rawClient(front.port, HANDSHAKE);
      await until(() => client.answer.text.includes('101'));
      if (i % 2 === 0) client.socket.end();
      else client.socket.resetAndDestroy();
    }
    await until(() => upstream.sockets.size === 0 && front.sockets.size === 0);
    expect(front.results).toHaveLength(100);
  });

  it('passes a large frame with a slow reader', async () => {
    const upstream = await echoSocket();
    const front = await passFront(upstream);
    const size = 16 * 1024 * 1024;
    let got = 0;
    const socket: Socket = net.connect(front.port, '127.0.0.1');
    afterTest(() => {
      socket.destroy();
    });
    socket.write(HANDSHAKE);
    socket.on('data', (chunk) => {
      got += chunk.length;
    });
    await until(() => got > 0);
    const head = got;
    socket.write(Buffer.alloc(size));
    await until(() => got === head + size, 'the whole frame back', 20_000);
  });
});
