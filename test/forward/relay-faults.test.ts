/** Upstreams that break, clients that leave, and what each side sees of it. */
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { closedPort, httpUpstream, post, rawClient, rawUpstream, relayFront, until } from './servers.ts';

const SSE_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const CHAT = post('/v1/chat/completions', '{}', 'Connection: close\r\n');

describe('relay() with an upstream that gives no usable answer', () => {
  it.each([
    ['closes without a word', (socket: net.Socket) => socket.end()],
    ['resets the connection', (socket: net.Socket) => socket.resetAndDestroy()],
    ['closes in the middle of the head', (socket: net.Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
    ['sends no HTTP', (socket: net.Socket) => socket.end('hello\r\n\r\n')],
    [
      'sends a length and chunks',
      (socket: net.Socket) =>
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
    [
      'sends two lengths',
      (socket: net.Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'),
    ],
    [
      'sends another transfer encoding',
      (socket: net.Socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
    ],
    [
      'sends a control character in a header',
      (socket: net.Socket) => socket.end('HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n'),
    ],
    [
      'sends an endless head',
      (socket: net.Socket) => socket.write(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`),
    ],
    [
      'switches protocols unasked',
      (socket: net.Socket) => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ],
  ])('gives the caller a 502 to send when it %s', async (_what, answer) => {
    const upstream = await rawUpstream(answer);
    const front = await relayFront(upstream);
    const client = rawClient(front.port, CHAT);
    expect((await client.closed).text).toMatch(/^HTTP\/1\.1 502 [\s\S]*"upstream-unreachable"/);
    expect(front.results).toHaveLength(1);
    expect(front.results[0]).toMatchObject({ outcome: 'no-answer', status: null, bytes: 0, usage: null });
  });

  it('names the address when the connection is refused', async () => {
    const port = await closedPort();
    const front = await relayFront({ url: `http://127.0.0.1:${port}` });
    await fetch(`${front.url}/x`);
    const result = await front.result();
    expect(result.error?.message).toBe(`ask "http://127.0.0.1:${port}": expected an answer, got connection refused`);
    expect(result.error?.status).toBe(502);
  });

  it('gives up after timeouts.responseHeader, and only then', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream, { responseHeaderMs: 30 });
    expect((await fetch(`${front.url}/x`)).status).toBe(504);
    expect((await front.result()).outcome).toBe('timeout');
    await until(() => upstream.sockets.size === 0, 'the upstream to be closed');
  });

  it('ends with the reason when it is aborted from outside', async () => {
    const upstream = await rawUpstream(() => {});
    const abort = new AbortController();
    const front = await relayFront(upstream, { signal: abort.signal });
    const answer = fetch(`${front.url}/x`);
    await until(() => upstream.sockets.size === 1);
    abort.abort(new Error('an operator cancelled it'));
    expect((await answer).status).toBe(502);
    expect((await front.result()).error?.message).toContain('an operator cancelled it');
    await until(() => upstream.sockets.size === 0);
  });

  it('fails what is under way when its run is destroyed', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream);
    const answer = fetch(`${front.url}/x`);
    await until(() => upstream.sockets.size === 1);
    await front.pool.destroy('the model was stopped');
    expect((await answer).status).toBe(502);
    expect((await front.result()).error?.message).toContain('the model was stopped');
  });
});

describe('relay() with an answer that breaks', () => {
  it('ends an event stream with an error event when the upstream stops behind a complete line', async () => {
    const upstream = await rawUpstream((socket) => {
      socket.write(SSE_HEAD + chunk('data: {"a":1}\n\n'), () => socket.resetAndDestroy());
    });
    const front = await relayFront(upstream);
    const answer = await rawClient(front.port, CHAT).closed;
    expect(answer.text).toContain('data: {"a":1}\n\n');
    expect(answer.text).toMatch(
      /data: \{"error":\{"message":"relay the answer of [\s\S]*"code":"upstream-cut"\}\}\n\n/,
    );
    expect(answer.text.endsWith('0\r\n\r\n')).toBe(true);
    expect(await front.result()).toMatchObject({ outcome: 'cut', status: 200, bytes: 15 });
  });

  it('cuts the connection when an event stream stops in the middle of a line', async () => {
    const upstream = await rawUpstream((socket) => socket.end(SSE_HEAD + chunk('data: {"a')));
    const front = await relayFront(upstream);
    const answer = await rawClient(front.port, CHAT).closed;
    expect(answer.text).not.toContain('error');
    expect(answer.text.endsWith('0\r\n\r\n')).toBe(false);
    expect((await front.result()).outcome).toBe('cut');
  });

  it.each([
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
    ['a broken chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nZZ\r\n'],
    ['a length', 'Content-Length: 50\r\n\r\n{"a":'],
  ])('never ends a plain answer with %s as if it were whole', async (_what, rest) => {
    const upstream = await rawUpstream((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${rest}`),
    );
    const front = await relayFront(upstream);
    await expect(
      fetch(`${front.url}/v1/x`, { method: 'POST', body: '{}' }).then((answer) => answer.text()),
    ).rejects.toThrow();
    expect(await front.result()).toMatchObject({ outcome: 'cut', status: 200, bytes: 5 });
  });

  it('resets the connection of a client that takes a close for the end', async () => {
    const upstream = await rawUpstream((socket) =>
      socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`),
    );
    const front = await relayFront(upstream);
    const answer = await rawClient(front.port, 'GET /x HTTP/1.0\r\n\r\n').closed;
    expect(answer.ended).toBe('reset');
  });

  it('settles once wherever the upstream breaks', async () => {
    const whole = `${SSE_HEAD}${chunk('data: {"a":1}\n\n')}${chunk('data: [DONE]\n\n')}0\r\n\r\n`;
    const upstream = await rawUpstream((socket, text) => {
      const at = Number(/^POST \/(\d+)/.exec(text)?.[1]);
      socket.end(whole.slice(0, at));
    });
    const front = await relayFront(upstream);
    for (let at = 0; at <= whole.length; at++) {
      const answer = await rawClient(front.port, post(`/${at}`, '{}', 'Connection: close\r\n')).closed;
      const complete = answer.text.endsWith('0\r\n\r\n');
      const outcome = (await front.result(at)).outcome;
      if (outcome === 'ok') expect(at).toBe(whole.length);
      if (outcome === 'cut') expect(complete).toBe(answer.text.includes('"error"'));
      if (outcome === 'no-answer') expect(answer.text).toMatch(/^HTTP\/1\.1 502/);
    }
    expect(front.results).toHaveLength(whole.length + 1);
  });
});

describe('relay() with a client that leaves', () => {
  it('asks nothing when the client is already gone', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream);
    // the body arrives in one piece with the FIN, so the client is gone when the relay begins or right after
    const client = rawClient(front.port, CHAT);
    client.socket.resetAndDestroy();
    await until(() => front.results.length === 1 || front.sockets.size === 0);
    await until(() => upstream.sockets.size === 0, 'no upstream connection');
  });

  it('closes the upstream before the head', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream);
    const client = rawClient(front.port, CHAT);
    await until(() => upstream.sockets.size === 1);
    client.socket.destroy();
    expect(await front.result()).toMatchObject({ outcome: 'client-gone', status: null, error: null });
    await until(() => upstream.sockets.size === 0, 'the upstream to be closed');
  });

  it.each(['destroy', 'resetAndDestroy', 'end'] as const)('closes the upstream mid-stream on %s', async (how) => {
    const upstream = await rawUpstream((socket) => socket.write(SSE_HEAD + chunk('data: 1\n\n')));
    const front = await relayFront(upstream);
    const client = rawClient(front.port, CHAT);
    await until(() => client.answer.text.includes('data: 1'));
    client.socket[how]();
    expect(await front.result()).toMatchObject({ outcome: 'client-gone', status: 200, bytes: 9 });
    await until(() => upstream.sockets.size === 0, 'the upstream to be closed');
  });

  it('closes the upstream while the client does not read', async () => {
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200);
      const write = (): void => {
        while (res.write(Buffer.alloc(65_536)));
        res.once('drain', write);
      };
      write();
    });
    const front = await relayFront(upstream);
    const client = rawClient(front.port, CHAT);
    client.socket.pause();
    await until(() => upstream.sockets.size === 1);
    client.socket.destroy();
    expect((await front.result()).outcome).toBe('client-gone');
    await until(() => upstream.sockets.size === 0);
  });

  it('asks nothing on a connection that was still being made', async () => {
    // the TLS handshake is never answered, so the connection is never made
    const upstream = await rawUpstream(() => {});
    const front = await relayFront({ url: upstream.url.replace('http:', 'https:') });
    const client = rawClient(front.port, CHAT);
    await until(() => upstream.sockets.size === 1);
    client.socket.destroy();
    expect(await front.result()).toMatchObject({ outcome: 'client-gone', status: null });
  });

  it('aborts a request that starts after its client left', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream);
    const aborted: Error[] = [];
    let start = () => {};
    let dispatched = false;
    front.pool.dispatch = (_options, handler) => {
      dispatched = true;
      start = () =>
        handler.onRequestStart?.(
          {
            aborted: false,
            paused: false,
            reason: null,
            abort: (error) => aborted.push(error),
            pause: () => {},
            resume: () => {},
          },
          null,
        );
    };
    const client = rawClient(front.port, CHAT);
    await until(() => dispatched);
    client.socket.destroy();
    expect((await front.result()).outcome).toBe('client-gone');
    start();
    expect(aborted.map((error) => error.message)).toEqual(['the client left']);
  });

  it('reports a client that leaves while its request waits behind another on the same connection', async () => {
    const upstream = await rawUpstream(() => {});
    const front = await relayFront(upstream);
    const client = rawClient(front.port, post('/1', '{}') + post('/2', '{}'));
    await until(() => upstream.sockets.size === 2);
    client.socket.destroy();
    await until(() => front.results.length === 2);
    expect(front.results.map((result) => result.outcome)).toEqual(['client-gone', 'client-gone']);
    await until(() => upstream.sockets.size === 0);
  });

  it('survives a client that resets at any byte of its request', async () => {
    const upstream = await httpUpstream((_req, res) => res.end('{}'));
    const front = await relayFront(upstream);
    for (let at = 0; at <= CHAT.length; at += 3) {
      const client = rawClient(front.port, CHAT.slice(0, at));
      await until(() => !client.socket.connecting);
      client.socket.resetAndDestroy();
    }
    await until(() => front.sockets.size === 0, 'all connections to end');
    expect(await (await fetch(`${front.url}/x`)).text()).toBe('{}');
  });
});

describe('relay() on a reused connection', () => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  it('asks once more on a fresh connection when it closes before a byte of the answer', async () => {
    const upstream = await rawUpstream((socket, _text, index) => {
      if (index === 1) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const reasons: string[] = [];
    const front = await relayFront(upstream, {
      basePath: '/base',
      shouldRetry: () => true,
      onRetry: (reason) => reasons.push(reason),
    });
    expect((await fetch(`${front.url}/1`, { method: 'POST', body: 'a' })).status).toBe(200);
    expect(await (await fetch(`${front.url}/2`, { method: 'POST', body: 'b' })).text()).toBe('ok');
    expect(reasons).toEqual([expect.stringMatching(/reused connection/)]);
    expect((await front.result(1)).outcome).toBe('ok');
  });

  it('asks no third time', async () => {
    let requests = 0;
    const upstream = await rawUpstream((socket, _text, index) => {
      requests++;
      if (index === 0) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const front = await relayFront(upstream, { shouldRetry: () => true });
    await (await fetch(`${front.url}/1`)).text();
    expect((await fetch(`${front.url}/2`)).status).toBe(502);
    expect(requests).toBe(3);
  });

  it.each([
    ['the run is not ready any more', false, (socket: net.Socket) => socket.resetAndDestroy()],
    ['a byte of the answer came', true, (socket: net.Socket) => socket.end('HTTP/1.1 20')],
  ])('does not ask again when %s', async (_what, ready, end) => {
    let requests = 0;
    const upstream = await rawUpstream((socket, _text, index) => {
      requests++;
      if (index === 0) socket.write(OK);
      else end(socket);
    });
    const front = await relayFront(upstream, { shouldRetry: () => ready });
    await (await fetch(`${front.url}/1`)).text();
    expect((await fetch(`${front.url}/2`)).status).toBe(502);
    expect(requests).toBe(2);
  });

  it('does not ask again on a connection that was fresh', async () => {
    let requests = 0;
    const upstream = await rawUpstream((socket) => {
      requests++;
      socket.resetAndDestroy();
    });
    const front = await relayFront(upstream, { shouldRetry: () => true });
    expect((await fetch(`${front.url}/1`)).status).toBe(502);
    expect(requests).toBe(1);
  });
});
