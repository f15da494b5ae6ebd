/** Reading request bodies over real sockets: bounds, silence, clients that leave, compression. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeBody } from '../../src/api/body/decode-body.ts';
import { type BodyResult, discardBody, readBody } from '../../src/api/body/read-body.ts';
import type { TurnoutError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { type Listening, listen, rawClient, until } from './servers.ts';

interface Reader extends Listening {
  results: (BodyResult | TurnoutError)[];
  requests: IncomingMessage[];
}

async function reader(maxBytes: number, gapMs?: number): Promise<Reader> {
  const results: (BodyResult | TurnoutError)[] = [];
  const requests: IncomingMessage[] = [];
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    requests.push(req);
    try {
      const result = await readBody(req, { maxBytes, ...(gapMs === undefined ? {} : { gapMs }) });
      results.push(result);
      if (!result.gone) res.end(`${result.body.length}`);
    } catch (error) {
      results.push(error as TurnoutError);
      res.writeHead((error as TurnoutError).status).end((error as TurnoutError).message);
      discardBody(req, res);
    }
  };
  return { ...(await listen(http.createServer(handle))), results, requests };
}

const head = (headers: string) => `POST / HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;

describe('readBody()', () => {
  it.each<[string, string, string]>([
    ['with a length', 'Content-Length: 5\r\nConnection: close\r\n', 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked\r\nConnection: close\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
    ['of exactly the limit', 'Content-Length: 10\r\nConnection: close\r\n', 'helloworld'],
    ['that is empty', 'Content-Length: 0\r\nConnection: close\r\n', ''],
    ['that is not there', 'Connection: close\r\n', ''],
  ])('reads a body %s', async (_what, headers, body) => {
    const front = await reader(10);
    const answer = await rawClient(front.port, head(headers) + body).closed;
    expect(answer.text).toMatch(/^HTTP\/1\.1 200/);
    expect(front.results[0]).toMatchObject({ gone: false, decoded: false });
  });

  it('reads a body that comes a byte at a time', async () => {
    const front = await reader(1000);
    const client = rawClient(front.port, head('Content-Length: 26\r\nConnection: close\r\n'));
    client.socket.setNoDelay(true);
    for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
      await new Promise((resolve) => client.socket.write(letter, resolve));
    }
    await client.closed;
    const result = front.results[0] as Extract<BodyResult, { gone: false }>;
    expect(result.body.toString()).toBe('abcdefghijklmnopqrstuvwxyz');
  });

  it('refuses an announced length over the limit before a byte of it', async () => {
    const front = await reader(10);
    const client = rawClient(front.port, head('Content-Length: 1000000000000000\r\n'));
    await until(() => client.answer.text.includes('\r\n\r\n'));
    expect(client.answer.text).toMatch(/^HTTP\/1\.1 413/);
    expect((front.results[0] as TurnoutError).message).toBe(
      'read the request body: expected at most 10 bytes (turnout.maxBodyBytes), got 1000000000000000 or more',
    );
  });

  it('refuses chunks over the limit, lets the client read the answer, then cuts', async () => {
    const front = await reader(10);
    const client = rawClient(front.port, head('Transfer-Encoding: chunked\r\n'));
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    let cut = false;
    client.socket.on('close', () => {
      cut = true;
    });
    const pump = (): void => {
      while (!cut && client.socket.write(piece));
      if (!cut) client.socket.once('drain', pump);
    };
    pump();
    await until(() => cut, 'the connection to be cut');
    expect(client.answer.text).toMatch(/^HTTP\/1\.1 413/);
    expect(client.socket.bytesWritten).toBeGreaterThan(LIMITS.refusalDiscardBytes);
  });

  it('keeps the connection when what was refused is soon complete', async () => {
    const front = await reader(10);
    const client = rawClient(front.port, head('Content-Length: 20\r\n'));
    await until(() => client.answer.text.includes('413'));
    client.socket.write(`${'x'.repeat(20)}${head('Content-Length: 2\r\nConnection: close\r\n')}ok`);
    expect((await client.closed).text).toMatch(/413[\s\S]*HTTP\/1\.1 200/);
  });

  it('gives up on silence between two pieces, saying how much came', async () => {
    const front = await reader(1000, 30);
    const client = rawClient(front.port, `${head('Content-Length: 100\r\n')}abc`);
    await until(() => client.answer.text.includes('408'));
    expect((front.results[0] as TurnoutError).message).toBe(
      'read the request body: expected more within 30 ms, got silence after 3 of 100 bytes',
    );
  });

  it.each(['destroy', 'resetAndDestroy', 'end'] as const)(
    'tells a client that left by %s from an error',
    async (how) => {
      const front = await reader(1000);
      const client = rawClient(front.port, `${head('Content-Length: 100\r\n')}abc`);
      await until(() => front.requests.length === 1);
      client.socket[how]();
      expect(await until(() => front.results[0])).toEqual({ gone: true });
      const req = front.requests[0]!;
      expect([req.listenerCount('data'), req.listenerCount('end')]).toEqual([0, 0]);
    },
  );

  it('tells that the client left when it is gone before reading begins', async () => {
    let result: BodyResult | null = null;
    const server = http.createServer((req) => {
      req.on('close', async () => {
        result = await readBody(req, { maxBytes: 10 });
      });
    });
    const { port } = await listen(server);
    const client = rawClient(port, `${head('Content-Length: 5\r\n')}a`);
    await until(() => client.socket.bytesWritten > 0);
    client.socket.resetAndDestroy();
    expect(await until(() => result)).toEqual({ gone: true });
  });
});

describe('readBody() with a compressed body', () => {
  const text = Buffer.from(JSON.stringify({ model: 'm', prompt: 'x'.repeat(1000) }));

  it.each<[string, Buffer]>([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['BR', brotliCompressSync(text)],
  ])('decodes %s', async (encoding, body) => {
    const front = await reader(10_000);
    const answer = await fetch(front.url, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-encoding': encoding },
    });
    expect(answer.status).toBe(200);
    expect(front.results[0]).toEqual({ gone: false, body: text, decoded: true, wireBytes: body.length });
  });

  it.each<[string, string, Buffer, number]>([
    ['an unknown encoding', 'zstd', Buffer.from('x'), 415],
    ['two encodings', 'gzip, br', Buffer.from('x'), 415],
    ['other data than it says', 'gzip', Buffer.from('hello'), 400],
    ['data that is cut off', 'gzip', gzipSync(text).subarray(0, 20), 400],
    ['a bomb', 'gzip', gzipSync(Buffer.alloc(1_000_000)), 413],
  ])('refuses %s', async (_what, encoding, body, status) => {
    const front = await reader(10_000);
    const answer = await fetch(front.url, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-encoding': encoding },
    });
    expect(answer.status).toBe(status);
  });

  it('bounds what a compressed body may become, whatever its own limit', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMITS.decodedBodyBytesMax + 1));
    await expect(decodeBody(bomb, 'gzip', LIMITS.bodyBytesMax)).rejects.toMatchObject({
      code: 'body-too-large',
      message: `decode the request body: expected at most ${LIMITS.decodedBodyBytesMax} bytes when compressed, got more from "gzip"`,
    });
  });
});
