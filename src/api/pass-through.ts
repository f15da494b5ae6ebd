/**
 * Passes requests and WebSockets through to a run's server, byte for byte, by http-proxy. Bare, that library lets bodies
 * of DELETE and OPTIONS become requests of their own, keeps generating for clients that left, hangs those whose upstream
 * broke, and forwards hop-by-hop headers; what is done about it stands in forward/web-pass.ts and forward/upgrade-pass.ts.
 * The only file that knows the library. Must never answer an error itself: the caller has the envelope.
 */
import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type HttpProxy from 'http-proxy';
import { TurnoutError } from '../core/errors.ts';
import type { RunId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { http, https } from '../core/platform/node-http.ts';
import { createEndedRuns } from './forward/ended-runs.ts';
import { announcesBody } from './forward/headers.ts';
import { checkPass, newPass, passHeaders } from './forward/pass.ts';
import { joinPath } from './forward/path.ts';
import { upstreamUrl } from './forward/pool.ts';
import type { RelayResult } from './forward/result.ts';
import { type Activity, createTracks, type OnQuiet } from './forward/tracks.ts';
import { cutUpgrade, onUpgradeRequest, type UpgradePass, watchSocket } from './forward/upgrade-pass.ts';
import { upstreamError } from './forward/upstream-error.ts';
import { cutPass, onAnswer, onError, onUpstream, type WebPass, watchClient } from './forward/web-pass.ts';

export interface PassTarget {
  run: RunId;
  /** As in `process.ready`; its path comes before `path`. */
  baseUrl: string;
  /** Raw remainder with its query, from `splitUpstreamPath`. */
  path: string;
  /** Hears when no byte moved for a minute on an answer that began, and when one does again. */
  onQuiet?: OnQuiet;
  /** Told of every byte of the answer as it goes out. */
  sent?: { bytes: number | null };
}

export interface PassThrough {
  /**
   * Resolves when the answer is complete or can no longer become so; `no-answer` leaves `res` untouched. Replaces
   * `req.headers`. Rejects with `bad-request` for a path or headers that must not be passed on.
   */
  web(req: IncomingMessage, res: ServerResponse, target: PassTarget): Promise<RelayResult>;
  /** The same for a WebSocket; resolves when both sockets are closed. `no-answer` leaves the socket untouched. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, target: PassTarget): Promise<RelayResult>;
  activity(run: RunId): Activity;
  /** Cuts what is passed to this run and closes its idle connections. */
  closeRun(run: RunId): void;
  close(): void;
}

const unheard: OnQuiet = () => {};

/** Methods whose bodies some servers do not read: such a body never travels on a connection that is used again. */
const BODY_UNEXPECTED = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

/** `now` is a monotonic clock in milliseconds. */
export function createPassThrough(now: () => number = () => performance.now()): PassThrough {
  const tracks = createTracks(now);
  const ended = createEndedRuns();
  const agents = new Map<RunId, Agent>();
  const webs = new WeakMap<IncomingMessage, WebPass>();
  const upgrades = new WeakMap<IncomingMessage, UpgradePass>();
  let library: HttpProxy | null = null;

  function proxy(): HttpProxy {
    if (library !== null) return library;
    library = loadLibrary();
    library.on('proxyReq', (upstream, req) => onUpstream(known(webs, req), upstream));
    library.on('proxyRes', (answer, req) => onAnswer(known(webs, req), answer));
    library.on('proxyReqWs', (upstream, req) => {
      onUpgradeRequest(known(upgrades, req), upstream);
      keepLibraryOff(upstream);
    });
    return library;
  }

  function agentOf(run: RunId, url: URL): Agent {
    let agent = agents.get(run);
    if (agent === undefined) {
      const options = { keepAlive: true, timeout: LIMITS.upstreamKeepAliveMs };
      agent = url.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
      agents.set(run, agent);
    }
    return agent;
  }

  function closeRun(run: RunId): void {
    ended.add(run);
    tracks.cutAll(run, `the end of run ${run}`);
    agents.get(run)?.destroy();
    agents.delete(run);
  }

  return {
    async web(req, res, { run, baseUrl, path, onQuiet = unheard, sent = { bytes: null } }) {
      checkPass(req, path);
      if (res.destroyed) return GONE;
      if (ended.has(run)) return over(run, baseUrl);
      const url = upstreamUrl(baseUrl);
      const alone = BODY_UNEXPECTED.has(req.method ?? '') && announcesBody(req.headers);
      req.headers = passHeaders(req);
      return await new Promise((resolve) => {
        const track = tracks.open(run, (reason) => cutPass(pass, reason), onQuiet);
        const pass: WebPass = {
          ...newPass(url.origin, track, sent, resolve),
          req,
          res,
          upstream: null,
          answer: null,
        };
        webs.set(req, pass);
        watchClient(pass);
        const agent = alone ? false : agentOf(run, url);
        const options = { ...optionsFor(url, path), agent, selfHandleResponse: true };
        proxy().web(req, res, options, (error) => onError(pass, error));
      });
    },

    async upgrade(req, socket, head, { run, baseUrl, path, onQuiet = unheard, sent = { bytes: null } }) {
      checkPass(req, path);
      checkUpgrade(req);
      if (socket.destroyed) return GONE;
      if (ended.has(run)) return over(run, baseUrl);
      const url = upstreamUrl(baseUrl);
      req.headers = { ...passHeaders(req), connection: 'Upgrade', upgrade: 'websocket' };
      return await new Promise((resolve) => {
        const track = tracks.open(run, (reason) => cutUpgrade(pass, reason), onQuiet);
        const pass: UpgradePass = {
          ...newPass(url.origin, track, sent, resolve),
          client: socket as Socket,
          upstream: null,
          peer: null,
        };
        upgrades.set(req, pass);
        watchSocket(pass);
        // errors of the sockets are heard by the pass itself
        proxy().ws(req, socket, head, { ...optionsFor(url, path), agent: false }, () => {});
      });
    },

    activity: tracks.activity,
    closeRun,
    close() {
      for (const run of new Set([...agents.keys(), ...tracks.runs()])) closeRun(run);
    },
  };
}

const NOTHING = { status: null, bytes: 0, firstByteMs: null, usage: null };
const GONE: RelayResult = { ...NOTHING, outcome: 'client-gone', error: null };

function over(run: RunId, baseUrl: string): RelayResult {
  return { ...NOTHING, outcome: 'no-answer', error: upstreamError(baseUrl, new Error(`the end of run ${run}`), false) };
}

/**
 * The library joins and rewrites paths, and builds its request on the object that is called `ssl`: the path that stands
 * there cannot be replaced, so the request line has it byte for byte.
 */
function optionsFor(url: URL, path: string): HttpProxy.ServerOptions {
  const target = joinPath(url.pathname, path);
  const fixed = Object.defineProperty({}, 'path', { enumerable: true, get: () => target, set: () => {} });
  const hostname = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    target: { protocol: url.protocol, host: hostname, hostname, port },
    ssl: fixed,
    toProxy: true,
    ignorePath: true,
    prependPath: false,
    proxyTimeout: 0,
  };
}

function checkUpgrade(req: IncomingMessage): void {
  if (req.method !== 'GET' || announcesBody(req.headers)) {
    throw new TurnoutError('bad-request', `upgrade to a WebSocket: expected GET without a body, got ${req.method}`);
  }
  if (!/\bwebsocket\b/i.test(req.headers.upgrade ?? '')) {
    const got = JSON.stringify((req.headers.upgrade ?? '').slice(0, 100));
    throw new TurnoutError('bad-request', `upgrade to a WebSocket: expected Upgrade "websocket", got ${got}`);
  }
}

function known<T>(passes: WeakMap<IncomingMessage, T>, req: IncomingMessage): T {
  const pass = passes.get(req);
  if (pass === undefined) throw new Error('http-proxy reported a request that was not given to it');
  return pass;
}

/** The listeners that the library adds next would end the client's socket without a word; its 'upgrade' is wanted. */
function keepLibraryOff(upstream: ClientRequest): void {
  const { on } = upstream;
  const filtered = (event: string, listener: (...args: unknown[]) => void) =>
    event === 'error' || event === 'response' ? upstream : on.call(upstream, event, listener);
  upstream.on = filtered as typeof upstream.on;
  // the library is done when this turn ends
  queueMicrotask(() => {
    upstream.on = on;
  });
}

/** On first use: most instances never pass anything through. */
function loadLibrary(): HttpProxy {
  const require = createRequire(import.meta.url);
  // the library takes this from node:util, where it is deprecated with a warning
  (require('node:util') as Record<string, unknown>)['_extend'] = Object.assign;
  const { createProxyServer } = require('http-proxy') as { createProxyServer(): HttpProxy };
  const proxy = createProxyServer();
  const passes = (proxy as unknown as { webPasses: { name: string }[] }).webPasses;
  // the step that makes a DELETE's chunked body a request of its own
  const harmful = passes.findIndex((step) => step.name === 'deleteLength');
  if (harmful < 0) throw new Error('patch http-proxy: expected its step "deleteLength", got a version without it');
  passes.splice(harmful, 1);
  return proxy;
}
