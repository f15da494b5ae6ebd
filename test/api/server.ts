/**
 * The real HTTP side on a port of its own, before a fake router; and tiny upstreams and raw clients to test it with.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Api, createApi } from '../../src/api/api.ts';
import type { OutputSource } from '../../src/api/context.ts';
import type { Config } from '../../src/core/config/config.ts';
import { createTextLog, type LogToStdout, type TextLog } from '../../src/core/runtime/text-log.ts';
import { until } from '../support/until.ts';
import { type FakeRouter, fakeRouter } from './fake-router.ts';

export interface TestServer {
  router: FakeRouter;
  api: Api;
  textLog: TextLog;
  port: number;
  url: string;
  /** Lines of turnout's own log so far. */
  lines(): string[];
}

export interface ServerOptions {
  toStdout?: LogToStdout;
  output?: OutputSource;
  tls?: { cert: Buffer; key: Buffer };
}

const NO_OUTPUT: OutputSource = {
  readOutput: async () => Buffer.alloc(0),
  followOutput: (_dir, _file, { signal }) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }),
};

/** Starts a server that ends with the test. */
export async function serve(config: Config, options: ServerOptions = {}): Promise<TestServer> {
  const router = fakeRouter(config);
  const textLog = createTextLog({ level: 'debug', toStdout: options.toStdout ?? 'proxy', write: () => {} });
  const api = createApi({
    router,
    textLog,
    version: { version: '1.2.3', commit: 'abc', buildDate: '2026-11-22' },
    stateDir: '/nowhere',
    output: options.output ?? NO_OUTPUT,
    tls: options.tls ?? null,
  });
  const { port, url } = await api.listen('127.0.0.1:0');
  onTestFinished(() => api.close(200));
  const lines = (): string[] => textLog.proxy.history().toString().trimEnd().split('\n');
  return { router, api, textLog, port, url, lines };
}

/** A model server that ends with the test. */
export async function upstream(
  handler: (req: IncomingMessage, res: ServerResponse, body: Buffer) => void,
): Promise<string> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => handler(req, res, Buffer.concat(chunks)));
    req.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** One request on a connection of its own, its path sent as it is. */
export function ask(
  server: { port: number },
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'close', ...options.headers };
    const req = request({ host: '127.0.0.1', port: server.port, method, path, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() });
      });
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(options.body);
  });
}

export function json(
  server: { port: number },
  method: string,
  path: string,
  body: unknown,
  headers = {},
): Promise<Answer> {
  return ask(server, method, path, {
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

export interface RawClient {
  socket: Socket;
  /** All that was received so far. */
  text(): string;
  /** Resolves when the received text matches. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves when the server closed the connection. */
  closed: Promise<void>;
}

/** A TCP client that sends exactly these bytes. */
export function raw(server: { port: number }, bytes: string | Buffer): RawClient {
  const socket = connect(server.port, '127.0.0.1');
  let received = '';
  let wake: () => void = () => {};
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    wake();
  });
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      wake();
      resolve();
    });
  });
  socket.on('error', () => socket.destroy());
  socket.write(bytes);
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    socket,
    text: () => received,
    async until(pattern) {
      while (!pattern.test(received)) {
        if (socket.destroyed) throw new Error(`closed before ${pattern}; got ${JSON.stringify(received)}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return received;
    },
    closed,
  };
}

/** Waits until `condition` holds. */
export async function eventually(condition: () => boolean, what = 'the condition'): Promise<void> {
  await until(what, condition);
}
