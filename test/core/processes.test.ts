import { describe, expect, it } from 'vitest';
import { fold } from '../../src/core/evolve.ts';
import { modelId, type RunId } from '../../src/core/ids.ts';
import { type KernelSpec, kernel } from './harness.ts';

describe('a start that fails', () => {
  it('answers its waiters with 500, exit code and last lines of output', () => {
    const k = kernel().boot();
    const ticket = k.request('a');
    k.exited('a', 3, ['loading', 'error: out of memory']);
    expect(ticket.grant).toMatchObject({ status: 500, code: 'start-failed' });
    expect(ticket.grant).toMatchObject({
      message: expect.stringMatching(
        /^unspecific error: upstream command exited prematurely \(exit code 3\).*out of memory/,
      ),
    });
    expect(k.check()).toEqual([]);
  });

  it('is backed off, 5 s doubling to 5 min: until then 503 with Retry-After, and nothing is evicted', () => {
    const k = kernel().boot();
    k.finish(k.serve('b'));
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      k.request('a');
      if (n === 0) k.exited('b');
      k.exited('a', 1, ['bad']);
      const refused = k.request('a').grant;
      expect(refused).toMatchObject({ status: 503, code: 'backed-off' });
      const after = refused?.granted === false ? (refused.retryAfterSec ?? 0) : 0;
      waits.push(after);
      k.pass(after * 1_000);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 300, 300]);
    k.finish(k.serve('b'));
    k.request('a');
    k.exited('b');
    k.exited('a', 1);
    k.finish(k.serve('b'));
    k.request('a');
    expect(k.phase('b')).toBe('ready');
    expect(k.check()).toEqual([]);
  });

  it('is tried again at once when loaded by hand, and forgotten after a success', () => {
    const k = kernel().boot();
    k.request('a');
    k.exited('a', 1);
    const load = k.request('a', { kind: 'load' });
    expect(k.phase('a')).toBe('starting');
    k.ready('a');
    expect(load.grant).toMatchObject({ granted: true });
    k.finish(load);
    k.exited('a', 1);
    expect(k.request('a').grant).toBeNull();
  });

  it('is given up at healthCheckTimeout: the run is stopped, its waiters are told', () => {
    const k = kernel({ models: { a: { startTimeoutMs: 15_000 } } }).boot();
    const ticket = k.request('a');
    k.spawned('a');
    k.pass(15_100);
    expect(ticket.grant).toMatchObject({
      status: 500,
      message: expect.stringContaining('health check timed out after 15 s'),
    });
    expect(k.phase('a')).toBe('stopping');
    expect(k.request('a').grant).toMatchObject({ status: 503, code: 'backed-off' });
    k.pass(5_001);
    expect(k.all('process.killed')).toHaveLength(1);
    k.exited('a', null);
    expect(k.all('model.backed-off')).toHaveLength(1);
    expect(k.check()).toEqual([]);
  });
});

describe('a crash', () => {
  it('of a ready model is not backed off: the next request starts it again', () => {
    const k = kernel().boot();
    const ticket = k.serve('a');
    k.exited('a', null);
    ticket.finish({ outcome: 'cut', status: 200, bytes: 5, firstByteMs: 1, usage: null, error: 'reset' });
    const next = k.request('a');
    k.ready('a');
    expect(next.grant).toMatchObject({ granted: true });
    expect(k.all('model.backed-off')).toHaveLength(0);
    expect(k.check()).toEqual([]);
  });

  it('late reports of an old run are ignored', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    const old = k.state.models.get('a' as never)?.run?.run ?? 0;
    k.exited('a');
    k.request('a');
    k.news();
    k.loop.post({
      type: 'child.exited',
      run: old as never,
      code: 1,
      signal: null,
      by: 'itself',
      detail: null,
      tail: [],
    });
    k.loop.post({ type: 'child.ready', run: old as never, baseUrl: 'http://old' });
    expect(k.news()).toEqual([]);
    expect(k.phase('a')).toBe('starting');
  });
});

describe('the last lines of output', () => {
  it('are kept of a start that failed, and not of a run that served, for they may hold prompts', () => {
    const k = kernel().boot();
    k.request('a');
    k.exited('a', 1, ['no such file']);
    expect(k.all('process.exited').at(-1)?.data.tail).toEqual(['no such file']);
    k.finish(k.serve('b'));
    k.exited('b', 139, ['prompt: who am I']);
    expect(k.all('process.exited').at(-1)?.data.tail).toEqual([]);
  });
});

describe('stopping', () => {
  it('kills what is still alive at the end of its grace', () => {
    const k = kernel({ models: { a: { stopGraceMs: 2_000 } } }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    k.pass(1_900);
    expect(k.all('process.killed')).toHaveLength(0);
    k.pass(200);
    expect(k.effects.at(-1)).toMatchObject({ type: 'killProcess', model: 'a' });
    k.pass(60_000);
    expect(k.all('process.killed')).toHaveLength(1);
    expect(k.phase('b')).toBe('stopped');
    k.exited('a', null);
    expect(k.phase('b')).toBe('starting');
  });

  it('by unload answers the waiters with 500 and does not wait for requests being served (spec 4.7)', () => {
    const k = kernel().boot();
    k.serve('a');
    const waiting = k.request('b');
    k.loop.post({ type: 'operator.unload', models: [], by: 'test' });
    expect(waiting.grant).toMatchObject({ status: 500, message: 'unspecific error: group: model unloaded' });
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('by unload while it is loading ends the start without backing off', () => {
    const k = kernel().boot();
    const ticket = k.request('a');
    k.loop.post({ type: 'operator.unload', models: ['a' as never], by: 'test' });
    expect(ticket.grant).toMatchObject({ status: 500 });
    expect(k.phase('a')).toBe('stopping');
    k.exited('a', null);
    expect(k.request('a').grant).toBeNull();
    expect(k.all('model.backed-off')).toHaveLength(0);
    expect(k.check()).toEqual([]);
  });
});

describe('durability', () => {
  it('performs a start or stop only when its event is durable; grants never wait', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    k.holdDurability();
    expect(k.request('a').grant).toMatchObject({ granted: true });
    k.loop.post({ type: 'operator.unload', models: [], by: 'test' });
    expect(k.effects.filter((effect) => effect.type === 'stopProcess')).toHaveLength(0);
    k.makeDurable();
    expect(k.effects.filter((effect) => effect.type === 'stopProcess')).toHaveLength(1);
  });

  it('does not wait for a log in trouble', () => {
    const k = kernel().boot();
    k.holdDurability();
    k.request('a');
    expect(k.effects.filter((effect) => effect.type === 'startProcess')).toHaveLength(0);
    k.loop.post({ type: 'log.troubled', code: 'disk-full', message: 'no space left' });
    expect(k.effects.filter((effect) => effect.type === 'startProcess')).toHaveLength(1);
  });

  it('with onTrouble refuse admits nothing until the log is back', () => {
    const k = kernel({ settings: { onTrouble: 'refuse' } }).boot();
    k.loop.post({ type: 'log.troubled', code: 'disk-full', message: 'no space left' });
    expect(k.request('a').grant).toMatchObject({ status: 503, code: 'log-unavailable', retryAfterSec: 5 });
    k.loop.post({ type: 'log.recovered', waitedMs: 1, kept: 1, lost: 0 });
    expect(k.request('a').grant).toBeNull();
  });
});

describe('shutdown', () => {
  it('answers what waits, lets what is served finish, then stops every child and itself', () => {
    const k = kernel({ groups: { g: { swap: false, members: ['a', 'b', 'c'] } } }).boot();
    const serving = k.serve('a');
    k.finish(k.serve('b'));
    const waiting = k.request('c');
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false });
    expect(waiting.grant).toMatchObject({ status: 500, message: 'unspecific error: group is shutting down' });
    expect([k.phase('a'), k.phase('b'), k.phase('c')]).toEqual(['ready', 'stopping', 'stopping']);
    expect(k.request('a').grant).toMatchObject({ status: 500 });
    k.finish(serving);
    for (const model of ['a', 'b', 'c']) k.exited(model);
    expect(k.effects.at(-1)).toEqual({ type: 'exit' });
    expect(k.state.phase).toBe('stopped');
    expect(k.check()).toEqual([]);
  });

  it('stops busy models too when 30 s are over', () => {
    const k = kernel().boot();
    k.serve('a');
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false });
    k.pass(29_000);
    expect(k.phase('a')).toBe('ready');
    k.pass(1_100);
    expect(k.phase('a')).toBe('stopping');
  });

  it('kills at the second signal', () => {
    const k = kernel().boot();
    k.serve('a');
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGINT', force: false });
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGINT', force: true });
    expect(k.effects.at(-1)).toMatchObject({ type: 'killProcess', model: 'a' });
  });
});

describe('boot after a kill', () => {
  it('gives open requests and swaps their terminal events and stops the children of the dead turnout', () => {
    const before = kernel().boot();
    before.serve('a');
    before.request('b');
    const after = kernel({}, before.events).boot();
    expect(after.all('request.lost')).toHaveLength(2);
    expect(after.all('router.started').at(-1)?.data.unfinished).toBe(1);
    expect(after.all('process.stopping').at(-1)?.data.reason).toBe('previous-run');
    const ticket = after.request('a');
    expect(ticket.grant).toBeNull();
    after.exited('a', null);
    after.ready('a');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(after.check()).toEqual([]);
  });

  it('ends a swap that was under way', () => {
    const before = kernel().boot();
    before.request('a');
    const after = kernel({}, before.events).boot();
    expect(after.all('swap.abandoned')).toHaveLength(1);
    expect(after.state.swaps.size).toBe(0);
    expect(after.check()).toEqual([]);
  });

  it('adopts a ready model that was found fit: it serves at once, and its ttl counts from now', () => {
    const spec: KernelSpec = { models: { a: { ttlMs: 5_000 } } };
    const before = kernel(spec).boot();
    before.serve('a');
    before.spawned('a');
    const { run } = before.state.models.get(modelId('a')) ?? {};
    const children = [
      { run: run?.run as RunId, adoptable: true as const, pid: 9, startTime: '9', bootId: 'b', baseUrl: 'http://y' },
    ];
    const after = kernel(spec, before.events);
    after.pass(60_000);
    after.boot(children);
    expect(after.all('process.adopted').at(-1)?.data).toMatchObject({ pid: 9, how: 'killed', deadline: null });
    expect(after.all('process.stopping')).toEqual([]);
    expect(after.all('request.lost')).toHaveLength(1);
    expect(after.request('a').grant).toMatchObject({ granted: true });
    expect(after.state.models.get(modelId('a'))?.run).toMatchObject({ phase: 'ready', baseUrl: 'http://y', loadMs: 0 });
    expect(after.check()).toEqual([]);
  });

  it('lets an adopted model go on loading until its deadline', () => {
    const before = kernel().boot();
    before.request('a');
    before.spawned('a');
    const { run } = before.state.models.get(modelId('a')) ?? {};
    const children = [
      { run: run?.run as RunId, adoptable: true as const, pid: 9, startTime: '9', bootId: 'b', baseUrl: 'http://y' },
    ];
    const after = kernel({}, before.events).boot(children);
    expect(after.effects).toContainEqual({ type: 'probeHealth', run: run?.run, model: 'a', baseUrl: 'http://y' });
    const ticket = after.request('a');
    expect(ticket.grant).toBeNull();
    after.ready('a');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(after.all('process.starting')).toHaveLength(1);
    expect(after.check()).toEqual([]);
  });

  it('says why it did not adopt one', () => {
    const before = kernel().boot();
    before.serve('a');
    const { run } = before.state.models.get(modelId('a')) ?? {};
    const after = kernel({}, before.events);
    after.boot([{ run: run?.run as RunId, adoptable: false, why: 'its configuration changed' }]);
    expect(after.all('process.stopping').at(-1)?.data).toMatchObject({
      reason: 'previous-run',
      detail: 'not adopted: its configuration changed',
    });
  });

  it('after a clean stop has nothing to close', () => {
    const before = kernel().boot();
    before.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false });
    const after = kernel({}, before.events);
    after.news();
    after.boot();
    expect(after.news()).toEqual(['router.started', 'config.applied']);
    expect(after.all('router.started').at(-1)?.data.unfinished).toBeNull();
  });
});

describe('a log file that had to be given up while running', () => {
  it('is followed by one that folds alone', () => {
    const k = kernel().boot();
    k.finish(k.serve('a'));
    const before = k.events.length;
    k.request('b');
    k.loop.post({ type: 'log.replaced', reason: 'io-error', movedTo: 'events.db.io-error' });
    k.exited('a');
    k.ready('b');
    const state = fold(k.events.slice(before));
    expect(k.events.slice(before).map((event) => event.type)).toContain('config.applied');
    expect([...state.models.keys()]).toEqual(['a', 'b', 'c']);
    expect(k.check()).toEqual([]);
  });
});

describe('a model that exits 1, asked for every second for a minute', () => {
  it('evicts the good model of its swap group at most four times', () => {
    const k = kernel().boot();
    k.finish(k.serve('b'));
    for (let second = 0; second < 60; second++) {
      k.request('a');
      if (k.phase('b') === 'stopping') k.exited('b');
      if (k.phase('a') === 'starting') k.exited('a', 1, ['bad model file']);
      const good = k.request('b');
      if (k.phase('b') === 'starting') k.ready('b');
      expect(good.grant).toMatchObject({ granted: true });
      k.finish(good);
      k.pass(1_000);
    }
    const evictions = k.all('process.stopping').filter((event) => event.model === 'b');
    expect(evictions.length).toBeGreaterThan(1);
    expect(evictions.length).toBeLessThanOrEqual(4);
    const refused = k.request('a').grant;
    expect(refused).toMatchObject({ status: 503, message: expect.stringMatching(/exit code 1.*bad model file/) });
    expect(k.check()).toEqual([]);
  });
});

describe('a shutdown that keeps models', () => {
  it('ends when the last answer has ended, and names what it left', () => {
    const k = kernel().boot();
    const served = k.serve('a');
    k.spawned('a');
    const waiting = k.request('b');
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false, keep: true });
    expect(waiting.grant).toMatchObject({ granted: false });
    expect(k.request('a').grant).toMatchObject({ granted: false });
    expect(k.state.phase).toBe('leaving');
    k.finish(served);
    expect(k.all('router.stopped').at(-1)?.data).toEqual({ left: ['a'] });
    expect(k.all('process.stopping')).toEqual([]);
  });

  it('keeps them when it is hurried, and still ends what was being stopped', () => {
    const k = kernel().boot();
    k.serve('a');
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'test' });
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false, keep: true });
    k.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: true });
    expect(k.all('process.killed')).toHaveLength(1);
    k.exited('a');
    expect(k.state.phase).toBe('leaving');
  });
});
