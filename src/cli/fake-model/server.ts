/**
 * The fake model server: a stand-in for llama-server that loads, answers in every dialect and misbehaves on demand.
 * Used by `turnout demo`, by tests and by people who try a configuration without a GPU.
 * Must never import anything but node's own modules and errors.ts: it has to listen within moments of its start.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TurnoutError } from '../../core/errors.ts';
import { openAiError } from './dialects/dialect.ts';
import { type Exchange, goneSignal, jsonOf, readBody, sendJson } from './exchange.ts';
import { pause } from './generation.ts';
import type { FakeModel } from './model.ts';
import { FAKE_MODEL_DEFAULTS, type FakeModelOptions } from './options.ts';
import { type FakeRequests, newRecord, remember } from './record.ts';
import { type Route, routeOf } from './routes.ts';
import { createSlots } from './slots.ts';
import { acceptWebSocket } from './websocket.ts';

// An import of node:http reads its every export, and one of them loads a WebSocket client: 4 ms this way, 40 ms that way.
const { createServer } = process.getBuiltinModule('node:http');

export interface RunningFakeModel {
  port: number;
  /** Cuts every connection and stops listening. */
  close(): Promise<void>;
}

/** What the server does to its surroundings. */
export interface FakeModelWorld {
  /** Ends the process. Default: cut all connections and stop listening, so that a server inside a test can "die" too. */
  die?: (code: number) => void;
  /** One line per answered request. Default: nothing. */
  log?: (line: string) => void;
}

function health(model: FakeModel, res: ServerResponse): void {
  model.record.healthProbes++;
  if (model.options.hangHealth) return;
  if (model.ready()) sendJson(res, 200, { status: 'ok' });
  else sendJson(res, 503, openAiError(503, 'Loading model'));
}

function requests({ record, options }: FakeModel, res: ServerResponse): void {
  const view: FakeRequests = { model: options.model, pid: process.pid, ...record };
  sendJson(res, 200, view);
}

async function perform(model: FakeModel, exchange: Exchange, route: Route | undefined): Promise<void> {
  const { options } = model;
  const { req, res, path, gone } = exchange;
  if (route === undefined) {
    return sendJson(res, 404, openAiError(404, `cannot answer "${req.method} ${path}", expected a known path`));
  }
  if (route.inference) {
    if (options.crashOnRequest) return model.die(options.exitCode);
    if (options.hang) return;
    if (options.firstByteMs > 0) await pause(options.firstByteMs, gone);
    if (options.errorStatus > 0) {
      return sendJson(res, options.errorStatus, route.error(options.errorStatus, `${options.model} was told to fail`));
    }
  }
  await route.handle(model, exchange);
}

async function handle(model: FakeModel, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const path = (req.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/health' || path === '/v1/health') return health(model, res);
  if (path === '/fake/requests') return requests(model, res);
  const gone = goneSignal(res);
  model.record.inFlight++;
  res.once('close', () => {
    model.record.inFlight--;
    if (res.writableFinished) model.record.served++;
    else model.record.aborted++;
  });
  const body = await readBody(req);
  if (body === null) return;
  const json = jsonOf(body);
  remember(model.record, req, body, typeof json?.['model'] === 'string' ? json['model'] : null);
  if (!model.ready()) return sendJson(res, 503, openAiError(503, 'Loading model'));
  await perform(model, { req, res, path, body, json, gone }, routeOf(req.method ?? 'GET', path));
}

function failed(res: ServerResponse, error: unknown): void {
  const status = error instanceof TurnoutError ? error.status : 500;
  if (res.headersSent) res.destroy();
  else sendJson(res, status, openAiError(status, error instanceof Error ? error.message : String(error)));
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'port-in-use' : 'internal';
      reject(new TurnoutError(code, `cannot listen on "${host}:${port}": ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** How long idle connections live. A server that announces its limit (Keep-Alive) would never be met closing. */
function setKeepAlive(server: Server, closeIdleMs: number): void {
  if (closeIdleMs <= 0) return;
  server.keepAliveTimeout = closeIdleMs;
  server.keepAliveTimeoutBuffer = 0;
  server.on('request', (_req, res: ServerResponse) => res.setHeader('connection', 'keep-alive'));
}

/** Starts a fake model in this process. Throws TurnoutError `port-in-use` when the port is taken. */
export async function startFakeModel(
  given: Partial<FakeModelOptions>,
  world: FakeModelWorld = {},
): Promise<RunningFakeModel> {
  const options: FakeModelOptions = { ...FAKE_MODEL_DEFAULTS, ...given };
  const readyAt = options.neverReady ? Number.POSITIVE_INFINITY : performance.now() + options.loadMs;
  const upgraded = new Set<Duplex>();
  const server = createServer({ requestTimeout: 0, noDelay: true });

  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
    await closed;
  };
  const model: FakeModel = {
    options,
    record: newRecord(),
    slots: createSlots(options.slots),
    ready: () => performance.now() >= readyAt,
    die: world.die ?? (() => void close()),
  };

  setKeepAlive(server, options.closeIdleMs);
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const begin = performance.now();
    res.once('close', () => {
      const outcome = res.writableFinished ? String(res.statusCode) : 'aborted';
      world.log?.(`${req.method} ${req.url} ${outcome} ${Math.round(performance.now() - begin)} ms`);
    });
    handle(model, req, res).catch((error: unknown) => failed(res, error));
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    acceptWebSocket(req, socket, head);
  });
  const port = await listen(server, options.port, options.host);
  return { port, close };
}
