/** When a model counts as ready, asked of real servers that behave in every possible way. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { probeHealth } from '../../src/core/runtime/health.ts';
import { freePort, waitFor } from './harness.ts';

const hosts = { '127.0.0.1': true, '::1': await canListenOn('::1') };

describe('probeHealth()', () => {
  test('is ready at once when there is nothing to check', async () => {
    const baseUrl = 'http://localhost:1';
    expect(await probeHealth({ baseUrl, checkEndpoint: null, signal: never() })).toEqual({ baseUrl });
  });

  test('asks the endpoint below the base path with GET and is ready on 200', async () => {
    const { port, requests } = await serve((_request, response) => response.end('fine'));
    const baseUrl = `http://127.0.0.1:${port}/base/`;
    expect(await probeHealth({ baseUrl, checkEndpoint: '/health?deep=1', signal: never() })).toEqual({ baseUrl });
    expect(requests).toEqual(['GET /base/health?deep=1']);
  });

  test('cannot be led to another host by its endpoint', async () => {
    const { port, requests } = await serve((_request, response) => response.end());
    await probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '//elsewhere.invalid/x', signal: never() });
    expect(requests).toEqual(['GET //elsewhere.invalid/x']);
  });

  const notYet: [string, (response: ServerResponse, request: IncomingMessage) => void][] = [
    ['503', (response) => response.writeHead(503).end('loading')],
    ['404', (response) => response.writeHead(404).end()],
    ['204', (response) => response.writeHead(204).end()],
    ['500 with a body that never ends', (response) => void response.writeHead(500).write('x')],
    ['a redirect', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['a reset', (response) => void response.socket?.resetAndDestroy()],
    ['a close without a word', (response) => void response.socket?.destroy()],
    ['nonsense', (response) => void response.socket?.end('hello\r\n\r\n')],
    ['a 200 that is cut short', (response) => cutShort(response)],
  ];
  for (const [what, misbehave] of notYet) {
    test(`takes ${what} for "not yet"`, async () => {
      let asked = 0;
      const { port, requests } = await serve((request, response) => {
        asked += 1;
        if (asked <= 3) misbehave(response, request);
        else response.end();
      });
      await probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '/health', signal: never() });
      expect(requests).toEqual(Array.from({ length: 4 }, () => 'GET /health'));
    });
  }

  test('waits for a server that is not there yet', async () => {
    const port = await freePort();
    const ready = probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '/', signal: never() });
    const { server } = await serve((_request, response) => response.end(), port);
    expect(await ready).toEqual({ baseUrl: `http://127.0.0.1:${port}` });
    expect(server.listening).toBe(true);
  });

  test('gives each probe a limit of its own when the server accepts but never answers', async () => {
    let asked = 0;
    const { port } = await serve((_request, response) => {
      asked += 1;
      if (asked > 1) response.end();
    });
    await probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '/', signal: never() });
    expect(asked).toBe(2);
  });

  test('is ready on 200 though the body drips on for ever, and lets go of it', async () => {
    let open = 0;
    const { port } = await serve((_request, response) => {
      open += 1;
      response.on('close', () => {
        open -= 1;
      });
      response.writeHead(200).write('x');
    });
    await probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '/', signal: never() });
    await waitFor('the connection to close', () => open === 0);
  });

  test('does not read a huge body', async () => {
    let sent = 0;
    const { port } = await serve((_request, response) => {
      const pump = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
      };
      response.on('drain', pump);
      pump();
    });
    await probeHealth({ baseUrl: `http://127.0.0.1:${port}`, checkEndpoint: '/', signal: never() });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('has one probe on the way at a time', async () => {
    let open = 0;
    let most = 0;
    let asked = 0;
    const { port } = await serve((_request, response) => {
      open += 1;
      asked += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.writeHead(asked > 20 ? 200 : 503).end();
      });
    });
    await probeHealth({ baseUrl: `http://localhost:${port}`, checkEndpoint: '/', signal: never() });
    expect(most).toBe(1);
  });

  test('ends with the reason of the signal, whatever it is doing', async () => {
    const { port } = await serve(() => {});
    const nobody = await freePort();
    for (const [at, aborted] of [
      [port, false],
      [nobody, false],
      [nobody, true],
    ] as const) {
      const controller = new AbortController();
      if (aborted) controller.abort(new Error('stopped'));
      const ready = probeHealth({
        baseUrl: `http://127.0.0.1:${at}`,
        checkEndpoint: '/',
        signal: controller.signal,
      });
      setImmediate(() => controller.abort(new Error('stopped')));
      await expect(ready).rejects.toThrow('stopped');
    }
  });

  test('refuses a base URL that is not http', async () => {
    await expect(probeHealth({ baseUrl: 'ftp://x', checkEndpoint: '/', signal: never() })).rejects.toThrow(
      'expected an http or https URL',
    );
  });

  describe('for localhost', () => {
    for (const [host, answer] of [
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '[::1]'],
    ] as const) {
      test.skipIf(!hosts[host])(`returns ${answer} when the server listens there`, async () => {
        const { port } = await serve((_request, response) => response.end(), 0, host);
        const check = { checkEndpoint: '/health', signal: never() };
        expect(await probeHealth({ baseUrl: `http://localhost:${port}`, ...check })).toEqual({
          baseUrl: `http://${answer}:${port}`,
        });
        expect(await probeHealth({ baseUrl: `http://localhost:${port}/v1`, ...check })).toEqual({
          baseUrl: `http://${answer}:${port}/v1`,
        });
      });
    }
  });

  test('does not hang on a server that accepts and says nothing at the level of TCP', async () => {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      if (sockets.size > 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const port = await listen(server, 0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await probeHealth({
      baseUrl: `http://127.0.0.1:${port}`,
      checkEndpoint: '/',
      signal: never(),
      connectTimeoutMs: LIMITS.healthProbeMs * 10,
    });
    for (const socket of sockets) socket.destroy();
    expect(sockets.size).toBe(2);
  });
});

const never = (): AbortSignal => new AbortController().signal;

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
  host = '127.0.0.1',
) {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { server, requests, port: await listen(server, port, host) };
}

async function listen(server: TcpServer, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

async function canListenOn(host: string): Promise<boolean> {
  const server = createTcpServer();
  try {
    await listen(server, 0, host);
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function cutShort(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '100' });
  response.write('x', () => response.socket?.destroy());
}
