/** What reaches the upstream, what reaches the client, and what is reported, when all goes well. */
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { httpUpstream, post, rawClient, rawUpstream, relayFront, until } from './servers.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('relay()', () => {
  it('relays a JSON answer with its status, headers and usage', async () => {
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200, { ...JSON_TYPE, 'x-model': 'm' });
      res.end('{"usage":{"prompt_tokens":3,"completion_tokens":4}}');
    });
    const front = await relayFront(upstream, { addHeaders: ['x-turnout-request-id', 'abc'] });
    const answer = await fetch(`${front.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    expect(answer.headers.get('x-model')).toBe('m');
    expect(answer.headers.get('x-turnout-request-id')).toBe('abc');
    expect(await answer.json()).toEqual({ usage: { prompt_tokens: 3, completion_tokens: 4 } });
    const result = await front.result();
    expect(result).toMatchObject({ outcome: 'ok', status: 200, bytes: 51, error: null });
    expect(result.usage).toEqual({ inputTokens: 3, outputTokens: 4 });
    expect(result.firstByteMs).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['chat', 'data: {"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n', 'ok'],
    ['messages', 'event: message_stop\ndata: {"type":"message_stop"}\n\n', 'ok'],
    ['a stream that is not whole', 'data: {"choices":[]}\n\n', 'client-gone'],
  ])('counts a client that leaves after the last event as served: %s', async (_what, events, outcome) => {
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(events); // and keeps the connection open
    });
    const front = await relayFront(upstream);
    const abort = new AbortController();
    const answer = await fetch(`${front.url}/v1/chat/completions`, {
      method: 'POST',
      body: '{}',
      signal: abort.signal,
    });
    await answer.body?.getReader().read();
    abort.abort();
    expect(await front.result()).toMatchObject({ outcome, status: 200, bytes: events.length });
  });

  it('sends method, path under the base path, query and body unchanged', async () => {
    let seen = '';
    const upstream = await httpUpstream(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      seen = `${req.method} ${req.url} ${Buffer.concat(chunks).toString()}`;
      res.end();
    });
    const front = await relayFront(upstream, { basePath: '/base' });
    await fetch(`${front.url}/v1/x%2Fy?a=b%20c&u=http://d//e`, { method: 'POST', body: '{"é":1}' });
    expect(seen).toBe('POST /base/v1/x%2Fy?a=b%20c&u=http://d//e {"é":1}');
  });

  it('keeps the Host of the client, appends X-Forwarded-For and drops hop-by-hop headers', async () => {
    let raw = '';
    const upstream = await rawUpstream((socket, text) => {
      raw = text;
      socket.end(
        'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-gone, close\r\nX-Gone: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: no\r\n\r\n',
      );
    });
    const front = await relayFront(upstream);
    const extra =
      'Connection: keep-alive, x-mine\r\nX-Mine: 1\r\nTE: trailers\r\nProxy-Authorization: p\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: Bearer k\r\n';
    const client = rawClient(front.port, post('/v1/x', '{}', extra));
    await front.result();
    await until(() => client.answer.text.includes('\r\n\r\n'));
    expect(raw).toMatch(/\r\nhost: front\.test\r\n/i);
    expect(raw).toMatch(/\r\nx-forwarded-for: 6\.6\.6\.6, 127\.0\.0\.1\r\n/i);
    expect(raw).toMatch(/\r\nAuthorization: Bearer k\r\n/);
    expect(raw).not.toMatch(/x-mine|\r\nte:|proxy-authorization/i);
    expect(client.answer.text).not.toMatch(/x-gone|timeout=9|proxy-authenticate/i);
  });

  it('passes an event stream on byte for byte and as it comes', async () => {
    let next = () => {};
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      res.write('data: {"a":1}\n\n');
      next = () => res.end('data: {"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n');
    });
    const front = await relayFront(upstream);
    const answer = await fetch(`${front.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('data: {"a":1}\n\n');
    next();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
    expect(rest).toBe('data: {"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n');
    expect((await front.result()).usage).toEqual({ inputTokens: 1 });
  });

  it('sends the head at once when the body is late', async () => {
    let finish = () => {};
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200, JSON_TYPE).flushHeaders();
      finish = () => res.end('{}');
    });
    const front = await relayFront(upstream);
    const client = rawClient(front.port, post('/v1/x', '{}'));
    await until(() => client.answer.text.includes('\r\n\r\n'), 'the head');
    expect(front.results).toEqual([]);
    finish();
    expect(await front.result()).toMatchObject({ outcome: 'ok', bytes: 2 });
  });

  it.each([
    ['HEAD', 200, 'Content-Length: 10\r\n'],
    ['GET', 204, ''],
    ['GET', 304, 'Content-Length: 10\r\nETag: "x"\r\n'],
  ])('relays an answer without a body to %s with %i', async (method, status, headers) => {
    const upstream = await rawUpstream((socket) => socket.end(`HTTP/1.1 ${status} X\r\n${headers}\r\n`));
    const front = await relayFront(upstream);
    const client = rawClient(front.port, `${method} /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    const answer = await client.closed;
    expect(answer.text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer.text.endsWith('\r\n\r\n')).toBe(true);
    if (headers !== '') expect(answer.text).toMatch(/content-length: 10/i);
    expect(await front.result()).toMatchObject({ outcome: 'ok', status, bytes: 0, firstByteMs: null });
  });

  it('ignores any number of 1xx answers and drops trailers', async () => {
    const upstream = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(200));
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
      );
    });
    const front = await relayFront(upstream);
    const client = rawClient(front.port, post('/v1/x', '{}', 'Connection: close\r\n'));
    const answer = await client.closed;
    expect(answer.text).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer.text).not.toMatch(/103|x-t/i);
    expect((await front.result()).outcome).toBe('ok');
  });

  it('accepts a large body sent with Expect: 100-continue', async () => {
    let received = 0;
    let expectHeader: string | undefined;
    const upstream = await httpUpstream(async (req, res) => {
      expectHeader = req.headers.expect;
      for await (const chunk of req) received += (chunk as Buffer).length;
      res.end('ok');
    });
    const front = await relayFront(upstream);
    const body = Buffer.alloc(3_000_000, 'x');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const req = http.request(`${front.url}/v1/x`, {
        method: 'POST',
        headers: { expect: '100-continue', 'content-length': body.length },
      });
      req.on('continue', () => req.end(body));
      req.on('response', (res) => resolve(res.resume().statusCode));
      req.on('error', reject);
      req.flushHeaders();
    });
    expect({ status, received, expectHeader }).toEqual({ status: 200, received: body.length, expectHeader: undefined });
  });

  it('asks for an answer without compression when usage is to be read', async () => {
    let accepted: string | undefined;
    const upstream = await httpUpstream((req, res) => {
      accepted = req.headers['accept-encoding'];
      res.end();
    });
    const front = await relayFront(upstream);
    await fetch(`${front.url}/v1/x`, { method: 'POST', body: '{}', headers: { 'accept-encoding': 'gzip, br' } });
    expect(accepted).toBe('identity');
  });

  it('stops reading from the upstream while the client does not read', async () => {
    const total = 96 * 1024 * 1024;
    const chunk = Buffer.alloc(256 * 1024, 'x');
    let sent = 0;
    const upstream = await httpUpstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/octet-stream' });
      const write = (): void => {
        while (sent < total) {
          sent += chunk.length;
          if (!res.write(chunk)) {
            res.once('drain', write);
            return;
          }
        }
        res.end();
      };
      write();
    });
    const front = await relayFront(upstream);
    const req = http.get(`${front.url}/big`);
    const answer = await new Promise<http.IncomingMessage>((resolve) => req.on('response', resolve));
    let before = -1;
    let still = 0;
    // the kernel's buffers are full once nothing has moved for a while
    await until(() => {
      still = sent === before ? still + 1 : 0;
      before = sent;
      return still > 40;
    }, 'the upstream to be held back');
    expect(sent).toBeLessThan(total / 2);
    let got = 0;
    for await (const part of answer) got += (part as Buffer).length;
    expect(got).toBe(total);
    expect(await front.result()).toMatchObject({ outcome: 'ok', bytes: total });
  });

  it('answers requests that a client sent ahead on one connection in order', async () => {
    const upstream = await httpUpstream((req, res) => res.end(`<${req.url}>`));
    const front = await relayFront(upstream);
    const client = rawClient(
      front.port,
      post('/1', '{}') + post('/2', '{}') + post('/3', '{}', 'Connection: close\r\n'),
    );
    const answer = await client.closed;
    expect(answer.text.match(/<\/\d>/g)).toEqual(['</1>', '</2>', '</3>']);
  });

  it('reuses a connection for the next request', async () => {
    let connections = 0;
    const upstream = await httpUpstream((req, res) => {
      if (req.socket.listenerCount('seen') === 0) connections++;
      req.socket.on('seen', () => {});
      res.end('ok');
    });
    const front = await relayFront(upstream);
    for (let i = 0; i < 3; i++) await (await fetch(`${front.url}/x`)).text();
    expect(connections).toBe(1);
  });
});
