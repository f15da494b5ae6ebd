import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { kernel } from './harness.ts';

const pair = { groups: { g: { members: ['a', 'b'] } } };
const pin = (k: ReturnType<typeof kernel>, model: string, forMs: number | null) =>
  k.loop.post({
    type: 'operator.pin',
    model: modelId(model),
    owner: 'anna',
    until: forMs === null ? null : k.now() + forMs,
  });

describe('a pinned model', () => {
  it('is not evicted: whoever would have to waits until the pin expires', () => {
    const k = kernel(pair).boot();
    k.finish(k.serve('a'));
    pin(k, 'a', 60_000);
    const ticket = k.request('b');
    expect(k.phase('a')).toBe('ready');
    expect(k.all('target.blocked').at(-1)?.data).toMatchObject({ on: 'pin' });
    expect(k.all('target.blocked').at(-1)?.data.reason).toContain('anna');
    k.pass(59_000);
    expect(k.phase('a')).toBe('ready');
    k.pass(1_100);
    expect(k.all('model.unpinned')[0]?.data).toEqual({ by: 'anna', why: 'expired' });
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('has who would evict it refused where the configuration says so, naming owner and time', () => {
    const k = kernel({ ...pair, settings: { protect: { models: [], otherwise: 'refuse' } } }).boot();
    k.finish(k.serve('a'));
    pin(k, 'a', 7_200_000);
    const { grant } = k.request('b');
    expect(grant).toMatchObject({ granted: false, status: 503, retryAfterSec: 7_200 });
    expect(grant?.granted === false && grant.message).toMatch(/a is pinned by anna.*2 h/);
    expect(k.check()).toEqual([]);
  });

  it('stays beyond its TTL, which counts again once it is unpinned', () => {
    const k = kernel({ ...pair, models: { a: { ttlMs: 10_000 } } }).boot();
    k.finish(k.serve('a'));
    pin(k, 'a', null);
    k.pass(60_000);
    expect(k.phase('a')).toBe('ready');
    k.loop.post({ type: 'operator.unpin', model: modelId('a'), by: 'anna' });
    k.pass(1);
    expect(k.phase('a')).toBe('stopping');
  });

  it('that is pinned while a swap waits for it to become idle is kept', () => {
    const k = kernel(pair).boot();
    const busy = k.serve('a');
    k.request('b');
    pin(k, 'a', 60_000);
    k.finish(busy);
    expect(k.phase('a')).toBe('ready');
    expect(k.check()).toEqual([]);
  });

  it('is unloaded all the same when an operator says so', () => {
    const k = kernel(pair).boot();
    k.finish(k.serve('a'));
    pin(k, 'a', null);
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'anna' });
    expect(k.phase('a')).toBe('stopping');
  });

  it('is not overdue-drained either: the pin comes before maxWait', () => {
    const k = kernel({ ...pair, settings: { maxWaitMs: 5_000 } }).boot();
    const busy = k.serve('a');
    pin(k, 'a', null);
    k.request('b');
    k.pass(30_000);
    expect(k.all('swap.draining')).toEqual([]);
    expect(k.request('a').grant).toMatchObject({ granted: true });
    k.finish(busy);
    expect(k.phase('a')).toBe('ready');
    expect(k.check()).toEqual([]);
  });
});

describe('a protected model', () => {
  it('is not evicted by any request, and its waiter is told what is in the way when its time is over', () => {
    const k = kernel({
      ...pair,
      settings: { protect: { models: [modelId('a')], otherwise: 'queue' }, queueTimeoutMs: 20_000 },
    }).boot();
    k.finish(k.serve('a'));
    const ticket = k.request('b');
    k.pass(20_100);
    expect(k.phase('a')).toBe('ready');
    expect(ticket.grant).toMatchObject({ granted: false, code: 'queue-timeout' });
    expect(ticket.grant?.granted === false && ticket.grant.message).toMatch(/protect/);
    expect(k.check()).toEqual([]);
  });

  it('is unloaded by its own TTL', () => {
    const k = kernel({
      ...pair,
      models: { a: { ttlMs: 10_000 } },
      settings: { protect: { models: [modelId('a')], otherwise: 'queue' } },
    }).boot();
    k.finish(k.serve('a'));
    k.pass(10_001);
    expect(k.phase('a')).toBe('stopping');
  });
});
