/** Pools belong to runs: opened on first use, never used for a successor. */
import { describe, expect, it } from 'vitest';
import { createPools, openPool, upstreamUrl } from '../../src/api/forward/pool.ts';
import { TurnoutError } from '../../src/core/errors.ts';
import { runId } from '../../src/core/ids.ts';
import { afterTest, httpUpstream, TIMEOUTS, until } from './servers.ts';

const RUN = runId(1);

function ask(pool: ReturnType<typeof openPool>, fresh = false): Promise<string> {
  return new Promise((resolve) => {
    pool.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => resolve('answered'),
        onResponseError: (_controller, error) => resolve(error.message),
      },
      fresh,
    );
  });
}

describe('createPools()', () => {
  it('gives one pool per run and closes its idle connections with it', async () => {
    const upstream = await httpUpstream((_req, res) => res.end('ok'));
    const pools = createPools();
    afterTest(() => pools.close());
    const pool = pools.of(RUN, upstream.url, TIMEOUTS);
    expect(pools.of(RUN, upstream.url, TIMEOUTS)).toBe(pool);
    expect(pools.of(runId(2), upstream.url, TIMEOUTS)).not.toBe(pool);
    expect(await ask(pool)).toBe('answered');
    expect(upstream.sockets.size).toBe(1);
    await pools.destroy(RUN, 'stopped');
    await until(() => upstream.sockets.size === 0);
  });

  it('never connects for a run that is over', async () => {
    const upstream = await httpUpstream((_req, res) => res.end('ok'));
    const pools = createPools();
    const before = pools.of(RUN, upstream.url, TIMEOUTS);
    await pools.destroy(RUN, 'stopped');
    for (const pool of [before, pools.of(RUN, upstream.url, TIMEOUTS)]) {
      expect(await ask(pool)).toBe('The client is destroyed');
      expect(await ask(pool, true)).toBe('The client is destroyed');
    }
    expect(upstream.sockets.size).toBe(0);
  });

  it('closes a connection that was made for one request', async () => {
    const upstream = await httpUpstream((_req, res) => res.end('ok'));
    const pool = openPool(upstream.url, TIMEOUTS);
    afterTest(() => pool.destroy('the test ended'));
    expect(await ask(pool, true)).toBe('answered');
    await until(() => upstream.sockets.size === 0);
  });
});

describe('upstreamUrl()', () => {
  it.each(['', 'localhost:80', 'ftp://h', 'http://user:pw@h', 'unix:/x'])('refuses %j', (url) => {
    expect(() => upstreamUrl(url)).toThrow(TurnoutError);
  });

  it('keeps origin and path', () => {
    const pool = openPool('https://[::1]:8443/base/', TIMEOUTS);
    expect([pool.origin, pool.basePath]).toEqual(['https://[::1]:8443', '/base/']);
  });
});
