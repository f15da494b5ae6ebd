/**
 * Small upstreams, a front that relays to them, and raw clients, all on ports that the system gives. Everything opened
 * in a test is closed after it.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { readBody } from '../../src/api/body/read-body.ts';
import { type Dialect, dialectOf } from '../../src/api/dialect.ts';
import type { RelayOptions } from '../../src/api/forward/exchange.ts';
import { requestHeaders } from '../../src/api/forward/headers.ts';
import { openPool, type UpstreamPool } from '../../src/api/forward/pool.ts';
import { relay } from '../../src/api/forward/relay.ts';
import type { RelayResult } from '../../src/api/forward/result.ts';
import type { UpstreamTimeouts } from '../../src/core/config/config.ts';
import { until as waitUntil } from '../support/until.ts';

export const TIMEOUTS: UpstreamTimeouts = {
  connectMs: 30_000,
  keepAliveMs: 30_000,
  responseHeaderMs: 0,
  tlsHandshakeMs: 10_000,
  expectContinueMs: 1_000,
  idleConnMs: 90_000,
};

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export function afterTest(close: () => Promise<void> | void): void {
  closers.push(close);
}

export interface Listening {
  port: number;
  url: string;
  /** Open connections. */
  sockets: Set<Socket>;
}

export async function listen(server: net.Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterTest(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, sockets };
}

/** A port that refuses, because its listener has just gone. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function httpUpstream(handler: (req: IncomingMessage, res: ServerResponse) => void): Promise<Listening> {
  return listen(http.createServer({ keepAliveTimeout: 60_000 }, handler));
}

/** Answers each connection by hand; `onRequest` gets what has been read each time a head is complete. */
export function rawUpstream(onRequest: (socket: Socket, text: string, index: number) => void): Promise<Listening> {
  let index = 0;
  return listen(
    net.createServer((socket) => {
      let text = '';
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (!text.includes('\r\n\r\n')) return;
        const request = text;
        text = '';
        onRequest(socket, request, index++);
      });
    }),
  );
}

export interface Front extends Listening {
  pool: UpstreamPool;
  results: RelayResult[];
  /** The result with this index, as soon as it is there. */
  result(index?: number): Promise<RelayResult>;
}

export interface FrontOptions extends Partial<Omit<RelayOptions, 'pool' | 'request' | 'res'>> {
  timeouts?: Partial<UpstreamTimeouts>;
  /** Appended to the upstream's URL. */
  basePath?: string;
  dialectFor?: (path: string) => Dialect;
}

/** A plain server that reads each request whole and relays it; what was not answered gets the error as JSON. */
export async function relayFront(upstream: { url: string }, options: FrontOptions = {}): Promise<Front> {
  const { timeouts, basePath, ...relayOptions } = options;
  const pool = openPool(upstream.url + (basePath ?? ''), { ...TIMEOUTS, ...timeouts });
  const results: RelayResult[] = [];
  const front = http.createServer(async (req, res) => {
    const read = await readBody(req, { maxBytes: 100_000_000 });
    if (read.gone) return;
    const { body } = read;
    const result = await relay({
      dialect: dialectOf(req.url ?? ''),
      readUsage: req.method === 'POST',
      responseHeaderMs: 0,
      ...relayOptions,
      pool,
      request: {
        method: req.method ?? 'GET',
        path: req.url ?? '/',
        headers: requestHeaders(req.rawHeaders, { remoteAddress: req.socket.remoteAddress, readUsage: true }),
        body: body.length > 0 ? body : null,
      },
      res,
    });
    results.push(result);
    if (result.error !== null && result.status === null) {
      res.writeHead(result.error.status, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ error: { code: result.error.code, message: result.error.message } }));
    }
  });
  const listening = await listen(front);
  afterTest(() => pool.destroy('the test ended'));
  return {
    ...listening,
    pool,
    results,
    result: (index = 0) => until(() => results[index]),
  };
}

/** Waits until the function gives something other than undefined, null or false. */
export function until<T>(
  probe: () => T | undefined | null | false,
  what = 'the condition',
  withinMs?: number,
): Promise<T> {
  return waitUntil(what, probe, withinMs);
}

export interface RawAnswer {
  text: string;
  /** How the connection ended: by FIN, by a reset, or not yet. */
  ended: 'fin' | 'reset' | null;
}

/** Sends bytes and keeps what comes back. */
export function rawClient(
  port: number,
  send: string,
): { socket: Socket; answer: RawAnswer; closed: Promise<RawAnswer> } {
  const socket = net.connect(port, '127.0.0.1');
  const answer: RawAnswer = { text: '', ended: null };
  afterTest(() => {
    socket.destroy();
  });
  socket.on('data', (chunk) => {
    answer.text += chunk.toString('latin1');
  });
  const closed = new Promise<RawAnswer>((resolve) => {
    socket.on('error', () => {
      answer.ended = 'reset';
    });
    socket.on('end', () => {
      answer.ended ??= 'fin';
    });
    socket.on('close', () => resolve(answer));
  });
  socket.write(send, 'latin1');
  return { socket, answer, closed };
}

export function post(path: string, body: string, extra = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: front.test\r\nContent-Type: application/json\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
