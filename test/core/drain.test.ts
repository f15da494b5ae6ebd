import { describe, expect, it } from 'vitest';
import { kernel } from './harness.ts';

/** Keeps a model busy without a pause: a new request is granted before the old one ends. */
function busyLoad(k: ReturnType<typeof kernel>, model: string) {
  let current = k.serve(model);
  return {
    /** True while the model still takes new requests. */
    overlap(): boolean {
      const next = k.request(model);
      k.finish(current);
      current = next;
      return next.grant?.granted === true;
    },
    end: () => k.finish(current),
    current: () => current,
  };
}

describe('maxWait and committed drains (kernel section 4)', () => {
  it('drains a busy model when another has waited for maxWait', () => {
    const k = kernel({ settings: { maxWaitMs: 20_000 } }).boot();
    const load = busyLoad(k, 'a');
    const waiting = k.request('b');
    k.pass(19_000);
    expect(load.overlap()).toBe(true);
    k.pass(1_100);
    expect(k.all('swap.draining')).toHaveLength(1);
    const late = k.request('a');
    expect(late.grant).toBeNull();
    load.end();
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect(waiting.grant).toMatchObject({ granted: true });
    k.finish(waiting);
    expect(k.all('drain.ended').map((event) => event.data.why)).toEqual(['served']);
    k.exited('b');
    k.ready('a');
    expect(late.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('scales maxWait with what the swap costs: twice the loads of target and evictees, 10 s at least', () => {
    const k = kernel().boot();
    k.request('a');
    k.pass(40_000);
    k.ready('a');
    k.request('b');
    // a was observed at 40 s, b is unknown (30 s): 2 x 70 s from a's ready, which is now.
    k.pass(139_000);
    expect(k.all('swap.draining')).toHaveLength(0);
    k.pass(1_100);
    expect(k.all('swap.draining')).toHaveLength(1);
  });

  it('lets no other swap take what a drain reserved, until its leases are served', () => {
    const k = kernel({ settings: { maxWaitMs: 10_000 } }).boot();
    const load = busyLoad(k, 'a');
    const first = k.request('b');
    k.pass(10_100);
    const other = k.request('c');
    load.end();
    k.exited('a');
    k.ready('b');
    expect(first.grant).toMatchObject({ granted: true });
    expect(other.grant).toBeNull();
    expect(k.phase('b')).toBe('ready');
    k.finish(first);
    expect(k.phase('b')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('ends a drain after drainTimeout with 503 that names the blocking request', () => {
    const k = kernel({ settings: { maxWaitMs: 1_000, drainTimeoutMs: 5_000 } }).boot();
    const blocking = k.serve('a');
    const waiting = k.request('b');
    k.pass(7_000);
    expect(waiting.grant).toMatchObject({ status: 503, code: 'drain-timeout' });
    expect(waiting.grant).toMatchObject({ message: expect.stringContaining(blocking.id) });
    expect(k.request('a').grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('drains at once for a waiter that outranks the traffic', () => {
    const k = kernel({ models: { b: { priority: 1 } } }).boot();
    const serving = k.serve('a');
    k.request('b');
    expect(k.all('swap.draining')).toHaveLength(1);
    expect(k.request('a').grant).toBeNull();
    expect(k.phase('a')).toBe('ready');
    k.finish(serving);
    expect(k.phase('a')).toBe('stopping');
  });

  it('does not let priority override minResidency', () => {
    const k = kernel({ models: { a: { minResidencyMs: 20_000 }, b: { priority: 1 } } }).boot();
    k.serve('a');
    k.request('b');
    k.pass(19_000);
    expect(k.all('swap.draining')).toHaveLength(0);
    k.pass(1_100);
    expect(k.all('swap.draining')).toHaveLength(1);
  });

  it('ends a drain that nobody waits for any more', () => {
    const k = kernel({ settings: { maxWaitMs: 1_000 } }).boot();
    k.serve('a');
    const waiting = k.request('b');
    k.pass(1_100);
    k.leave(waiting);
    expect(k.all('drain.ended').map((event) => event.data.why)).toEqual(['nobody-waits']);
    expect(k.request('a').grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });
});

describe('a target whose evictee was loaded after it began to wait', () => {
  it('is put off by no more than that load took', () => {
    const k = kernel({ settings: { maxWaitMs: 60_000 } }).boot();
    const first = k.serve('a');
    k.request('b');
    k.request('c');
    k.pass(1_000);
    k.finish(first);
    k.exited('a');
    k.pass(5_000);
    k.ready('b'); // loaded in 5 s, 6 s after c began to wait
    k.pass(60_000 - 6_000 + 4_900);
    expect(k.all('swap.draining')).toHaveLength(0);
    k.pass(200);
    expect(k.all('swap.draining').map((event) => event.model)).toEqual(['c']);
  });
});
