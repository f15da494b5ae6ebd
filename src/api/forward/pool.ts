/**
 * Connections to upstreams: one undici Pool per run, destroyed with it, so that no request can reach the successor of
 * the process it was granted to. It has no limit on connections (the kernel limits; a limit here would be a queue that
 * no event explains) and no time limits of its own but the one on connecting.
 * Must never outlive its run.
 */
import type { Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { UpstreamTimeouts } from '../../core/config/config.ts';
import { TurnoutError } from '../../core/errors.ts';
import type { RunId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import { createEndedRuns } from './ended-runs.ts';

/** One connection at a time; counts the requests that were written to the present one. */
export interface Link {
  requests: number;
}

/** `link` is set before the request starts, so that its handler can tell a reused connection from a fresh one. */
export interface LinkedDispatch extends Dispatcher.DispatchOptions {
  link?: Link;
}

export interface UpstreamPool {
  /** E.g. `http://127.0.0.1:5800`. */
  readonly origin: string;
  /** Path of the `proxy` URL; `/` when it has none. */
  readonly basePath: string;
  /** Reports every failure to the handler, never throws. `fresh` uses a new connection for this request alone. */
  dispatch(options: LinkedDispatch, handler: Dispatcher.DispatchHandler, fresh: boolean): void;
  /** Requests that are under way fail with an error that names the reason. */
  destroy(reason: string): Promise<void>;
}

/** `baseUrl` as in `process.ready`. Throws `config` when it is no http or https URL. */
export function openPool(baseUrl: string, timeouts: UpstreamTimeouts): UpstreamPool {
  const url = upstreamUrl(baseUrl);
  const options: Client.Options = {
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    maxHeaderSize: LIMITS.upstreamHeaderBytesMax,
    keepAliveTimeout: keepAliveMs(timeouts),
    keepAliveMaxTimeout: keepAliveMs(timeouts),
    connect: {
      // undici's limit spans TCP and TLS; 0 is none
      timeout:
        url.protocol === 'https:' ? sumOfLimits(timeouts.connectMs, timeouts.tlsHandshakeMs) : timeouts.connectMs,
      ...(timeouts.keepAliveMs > 0 ? { keepAliveInitialDelay: timeouts.keepAliveMs } : { keepAlive: false }),
    },
  };
  const single = new Set<Client>();
  let destroyed = false;
  const pool = new Pool(url.origin, { ...options, connections: null, factory: linkedClient });

  return {
    origin: url.origin,
    basePath: url.pathname,
    dispatch(dispatch, handler, fresh) {
      // a destroyed pool reports that it is
      if (!fresh || destroyed) {
        pool.dispatch(dispatch, handler);
        return;
      }
      const client = linkedClient(url.origin, options);
      single.add(client);
      client.dispatch(Object.assign(dispatch, { reset: true }), handler);
      void client.close().finally(() => single.delete(client));
    },
    async destroy(reason) {
      destroyed = true;
      const error = new Error(reason);
      await Promise.all([pool.destroy(error), ...Array.from(single, (client) => client.destroy(error))]);
    },
  };
}

export interface Pools {
  /** The pool of a run, opened on first use; of a run that is over, one whose every request fails. */
  of(run: RunId, baseUrl: string, timeouts: UpstreamTimeouts): UpstreamPool;
  /** Cuts what is still under way to this run. Unknown runs are ignored. */
  destroy(run: RunId, reason: string): Promise<void>;
  close(): Promise<void>;
}

export function createPools(): Pools {
  const pools = new Map<RunId, UpstreamPool>();
  const ended = createEndedRuns();
  async function destroy(run: RunId, reason: string): Promise<void> {
    ended.add(run);
    const pool = pools.get(run);
    pools.delete(run);
    await pool?.destroy(reason);
  }
  return {
    of(run, baseUrl, timeouts) {
      const open = pools.get(run);
      if (open !== undefined) return open;
      const pool = openPool(baseUrl, timeouts);
      if (ended.has(run)) void pool.destroy(`run ${run} is over`);
      else pools.set(run, pool);
      return pool;
    },
    destroy,
    async close() {
      await Promise.all(Array.from(pools.keys(), (run) => destroy(run, 'turnout stopped')));
    },
  };
}

/** Throws `config` unless it is an http or https URL without credentials, which would end up in logs. */
export function upstreamUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl);
  if (url !== null && (url.username !== '' || url.password !== '')) {
    throw new TurnoutError('config', `connect to "${url.host}": expected a URL without credentials, got some`);
  }
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TurnoutError('config', `connect to an upstream: expected an http or https URL, got "${baseUrl}"`);
  }
  return url;
}

function linkedClient(origin: string | URL, options: object): Client {
  const client = new Client(origin, options as Client.Options);
  const link: Link = { requests: 0 };
  client.on('connect', () => {
    link.requests = 0;
  });
  const dispatch = client.dispatch.bind(client);
  client.dispatch = (request: LinkedDispatch, handler) => {
    request.link = link;
    return dispatch(request, handler);
  };
  return client;
}

function keepAliveMs(timeouts: UpstreamTimeouts): number {
  return timeouts.idleConnMs > 0
    ? Math.min(timeouts.idleConnMs, LIMITS.upstreamKeepAliveMs)
    : LIMITS.upstreamKeepAliveMs;
}

function sumOfLimits(a: number, b: number): number {
  return a > 0 && b > 0 ? a + b : 0;
}
