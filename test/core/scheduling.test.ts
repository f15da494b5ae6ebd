import { describe, expect, it } from 'vitest';
import type { PolicyVerdict } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import type { View } from '../../src/core/view.ts';
import { kernel } from './harness.ts';

describe('admission (spec 4.4)', () => {
  it('refuses a model that nobody knows with 404', () => {
    const k = kernel().boot();
    expect(k.request(null).grant).toMatchObject({
      granted: false,
      status: 404,
      message: 'no router for requested model',
    });
    expect(k.state.requests.size).toBe(0);
    expect(k.check()).toEqual([]);
  });

  it('counts queued, loading and serving requests against concurrencyLimit, default 10', () => {
    const k = kernel().boot();
    for (let n = 0; n < 10; n++) expect(k.request('a').grant).toBeNull();
    expect(k.request('a').grant).toMatchObject({ status: 429, code: 'concurrency-limit', retryAfterSec: 1 });
    k.ready('a');
    expect(k.request('a').grant).toMatchObject({ status: 429 });
  });

  it('frees the place of a request whose client left', () => {
    const k = kernel({ models: { a: { concurrencyLimit: 1 } } }).boot();
    const first = k.request('a');
    expect(k.request('a').grant).toMatchObject({ status: 429 });
    k.leave(first);
    expect(k.request('a').grant).toBeNull();
    expect(k.check()).toEqual([]);
  });
});

describe('the way to a grant (spec 4.4, 4.6)', () => {
  it('starts a model for the first request and grants it when ready', () => {
    const k = kernel().boot();
    k.news();
    const ticket = k.request('a');
    expect(k.news()).toEqual(['request.arrived a', 'plan.decided a', 'swap.started a', 'process.starting a']);
    k.spawned('a');
    k.ready('a');
    expect(k.news()).toEqual(['process.spawned a', 'process.ready a', 'swap.finished a', 'request.granted a']);
    expect(ticket.grant).toMatchObject({ granted: true });
    k.finish(ticket);
    expect(k.news()).toEqual(['request.finished a']);
    expect(k.check()).toEqual([]);
  });

  it('takes the fast path when the model is ready', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    k.news();
    expect(k.request('a').grant).toMatchObject({ granted: true });
    expect(k.news()).toEqual(['request.arrived a', 'request.granted a']);
  });

  it('lets further requests join a swap that is under way', () => {
    const k = kernel().boot();
    const tickets = [k.request('a'), k.request('a'), k.request('a')];
    expect(k.all('process.starting')).toHaveLength(1);
    k.ready('a');
    expect(tickets.map((ticket) => ticket.grant?.granted)).toEqual([true, true, true]);
  });

  it('stops the victim first and starts the target when nothing of it is left', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    k.news();
    k.request('b');
    expect(k.news()).toEqual(['request.arrived b', 'plan.decided b', 'swap.started b', 'process.stopping a']);
    k.exited('a');
    expect(k.news()).toEqual(['process.exited a', 'process.starting b']);
    expect(k.check()).toEqual([]);
  });

  it('never evicts a busy model: the swap waits for its requests', () => {
    const k = kernel().boot();
    const serving = k.serve('a');
    const waiting = k.request('b');
    expect([k.phase('a'), waiting.grant]).toEqual(['ready', null]);
    expect(k.all('target.blocked').at(-1)?.data).toMatchObject({ on: 'swap' });
    expect(k.all('target.blocked').at(-1)?.data.reason).toContain('a is busy with 1 request');
    expect(k.request('a').grant?.granted).toBe(true);
    k.finish(serving);
    expect(k.phase('a')).toBe('ready');
    expect(waiting.grant).toBeNull();
    expect(k.check()).toEqual([]);
  });

  it('turns A B C A B C into A A B B C C (spec 4.5)', () => {
    const k = kernel().boot();
    const order: string[] = [];
    const tickets = ['a', 'b', 'c', 'a', 'b', 'c'].map((model) => k.request(model));
    for (const model of ['a', 'b', 'c']) {
      k.ready(model);
      const served = tickets.filter((ticket) => ticket.grant?.granted === true);
      order.push(...served.slice(order.length).map(() => model));
      for (const ticket of served) k.finish(ticket);
      if (model !== 'c') k.exited(model);
    }
    expect(order).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    expect(k.all('process.starting').map((event) => event.model)).toEqual(['a', 'b', 'c']);
    expect(k.check()).toEqual([]);
  });

  it.each(['constructor', '__proto__', 'toString'])('gives a client that calls himself %s no priority', (client) => {
    const k = kernel({ settings: { clientPriority: { anna: 7 } } }).boot();
    k.request('a', { client });
    k.request('a', { client: 'anna' });
    expect(k.all('request.arrived').map((event) => event.data.priority)).toEqual([0, 7]);
    expect(k.check()).toEqual([]);
  });

  it('starts waiting models by priority, then by age', () => {
    const k = kernel({
      groups: { g: { members: ['a', 'low', 'mid', 'high'] } },
      models: { a: { priority: 9 }, high: { priority: 5 }, mid: { priority: 1 } },
    }).boot();
    const serving = k.serve('a');
    k.request('low');
    k.request('mid');
    k.request('high');
    k.finish(serving);
    k.exited('a');
    k.ready('high');
    expect(k.all('process.starting').map((event) => event.model)).toEqual(['a', 'high']);
  });

  it('loads models in parallel where nothing conflicts', () => {
    const k = kernel({ groups: { g: { swap: false, members: ['a', 'b'] } } }).boot();
    k.request('a');
    k.request('b');
    expect([k.phase('a'), k.phase('b')]).toEqual(['starting', 'starting']);
    expect(k.check()).toEqual([]);
  });

  it('does not start a target beside a model that its swap in progress cannot stand', () => {
    const groups = { ex: { members: ['a', 'b'] }, side: { exclusive: false, members: ['s'] } };
    const k = kernel({ groups }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    k.request('s');
    expect(k.phase('s')).toBe('stopped');
    k.exited('a');
    expect([k.phase('b'), k.phase('s')]).toEqual(['starting', 'stopped']);
    expect(k.check()).toEqual([]);
  });

  it('evicts what was loaded beside an exclusive model before serving it again (spec 4.9)', () => {
    const k = kernel({ groups: { ex: { members: ['a'] }, side: { exclusive: false, members: ['s'] } } }).boot();
    k.finish(k.serve('a'));
    k.finish(k.serve('s'));
    const ticket = k.request('a');
    expect(ticket.grant).toBeNull();
    expect(k.phase('s')).toBe('stopping');
    k.exited('s');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(k.all('process.starting').filter((event) => event.model === 'a')).toHaveLength(1);
    expect(k.check()).toEqual([]);
  });

  it('waits for a stop in progress, then starts the same model again', () => {
    const k = kernel({ models: { a: { ttlMs: 1_000 } } }).boot();
    k.finish(k.serve('a'));
    k.pass(1_001);
    expect(k.phase('a')).toBe('stopping');
    const ticket = k.request('a');
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('a');
    expect(ticket.grant).toMatchObject({ granted: true });
  });
});

describe('clients that leave (spec 4.7)', () => {
  it('never starts a model for a request that left while queued', () => {
    const k = kernel().boot();
    const serving = k.serve('a');
    k.leave(k.request('b'));
    k.finish(serving);
    k.pass(60_000);
    expect(k.phase('a')).toBe('ready');
    expect(k.all('process.starting')).toHaveLength(1);
    expect(k.check()).toEqual([]);
  });

  it('gives a swap up when its last waiter leaves before the target was started', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    k.leave(k.request('b'));
    expect(k.all('swap.abandoned')).toHaveLength(1);
    k.exited('a');
    expect(k.phase('b')).toBe('stopped');
    expect(k.check()).toEqual([]);
  });

  it('keeps a model that finished loading for a client that left; idle time counts from ready', () => {
    const k = kernel({ models: { a: { ttlMs: 10_000 } } }).boot();
    k.leave(k.request('a'));
    k.ready('a');
    k.pass(9_000);
    expect(k.phase('a')).toBe('ready');
    k.pass(1_500);
    expect(k.phase('a')).toBe('stopping');
  });
});

describe('time to live (spec 5.5)', () => {
  it('counts from the end of the last request and never ends a request', () => {
    const k = kernel({ models: { a: { ttlMs: 5_000 } } }).boot();
    const ticket = k.serve('a');
    k.pass(60_000);
    expect(k.phase('a')).toBe('ready');
    k.finish(ticket);
    k.pass(4_999);
    expect(k.phase('a')).toBe('ready');
    k.pass(2);
    expect(k.phase('a')).toBe('stopping');
    expect(k.all('process.stopping').at(-1)?.data.reason).toBe('ttl');
  });
});

describe('minResidency', () => {
  it('keeps an idle model for its minimum residency, then lets the swap begin by itself', () => {
    const k = kernel({ models: { a: { minResidencyMs: 30_000 } } }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    k.pass(29_000);
    expect(k.phase('a')).toBe('ready');
    k.pass(1_100);
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });
});

describe('a timer that is late', () => {
  it('lets nobody in who came after what was due: the swap that could begin begins first', () => {
    const k = kernel({ models: { a: { minResidencyMs: 30_000 } } }).boot();
    k.finish(k.serve('a'));
    const waiting = k.request('b');
    k.late(30_500);
    const after = k.request('a');
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect([waiting.grant, after.grant]).toMatchObject([{ granted: true }, null]);
    expect(k.check()).toEqual([]);
  });

  it('lets a question that was due be asked before what came after it', () => {
    let asked = 0;
    const plan = (view: View): PolicyVerdict => {
      if (view.target !== 'b') return { action: 'swap', evict: [], reason: 'there is room' };
      if (++asked === 1) return { action: 'wait', forMs: 5_000, reason: 'not yet' };
      return { action: 'swap', evict: [modelId('a')], reason: 'it is time' };
    };
    const k = kernel({ plan }).boot();
    k.finish(k.serve('a'));
    const waiting = k.request('b');
    k.late(5_500);
    const after = k.request('a');
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect([waiting.grant, after.grant]).toMatchObject([{ granted: true }, null]);
    expect(k.check()).toEqual([]);
  });
});

describe('the queue', () => {
  it('answers every wait in the end, naming what was waited for', () => {
    const k = kernel({ settings: { queueTimeoutMs: 60_000, maxWaitMs: 3_600_000 } }).boot();
    k.serve('a');
    const ticket = k.request('b');
    k.pass(60_100);
    expect(ticket.grant).toMatchObject({ status: 503, code: 'queue-timeout' });
    expect(ticket.grant).toMatchObject({ message: expect.stringContaining('a is busy with 1 request') });
  });
});

describe('pass-through on which no byte moves (kernel section 4)', () => {
  it('keeps nobody waiting: its model is evicted and its time to live runs', () => {
    const k = kernel({ models: { a: { ttlMs: 30_000 } } }).boot();
    const socket = k.serve('a');
    const waiting = k.request('b');
    expect(k.phase('a')).toBe('ready');
    socket.quiet(true, 60_000);
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    socket.finish({ outcome: 'cut', status: 101, bytes: 0, firstByteMs: 1, usage: null, error: null });
    k.ready('b');
    expect(waiting.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('counts again as soon as one does', () => {
    const k = kernel({ models: { a: { ttlMs: 30_000 } } }).boot();
    const socket = k.serve('a');
    socket.quiet(true, 60_000);
    socket.quiet(false, 0);
    k.pass(120_000);
    expect(k.phase('a')).toBe('ready');
    k.request('b');
    expect(k.phase('a')).toBe('ready');
    socket.quiet(true, 60_000);
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });
});
