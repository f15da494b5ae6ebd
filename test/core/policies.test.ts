import { describe, expect, it } from 'vitest';
import type { IdleVerdict, PolicyFaultData, PolicyVerdict } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import { type KernelSpec, kernel } from './harness.ts';

const HASH = 'f'.repeat(64);
const FAULT: PolicyFaultData = {
  kind: 'throw',
  during: 'plan',
  message: 'oh',
  file: '/p.js',
  line: 1,
  column: 1,
  excerpt: null,
};
const load: PolicyVerdict = { action: 'swap', evict: [], reason: 'load' };

/** A kernel in which a policy was loaded, as far as the state knows. */
function withPolicy(spec: KernelSpec = {}) {
  const k = kernel(spec).boot();
  const loaded = (slot = 'live') =>
    k.loop.post({
      type: 'policy.loaded',
      loaded: {
        slot,
        file: '/p.js',
        name: 'p',
        sourceHash: HASH,
        optionsHash: HASH,
        hooks: { rank: true, idle: true, evolve: false },
      },
    });
  loaded();
  const fail = (guilty = true, slot = 'live') => k.loop.post({ type: 'policy.failed', slot, fault: FAULT, guilty });
  const idle = (verdict: IdleVerdict) => k.loop.post({ type: 'policy.idle', epoch: k.state.planEpoch, verdict });
  const disabled = () => k.all('policy.disabled').map((event) => event.data.slot);
  return { ...k, k, loaded, fail, idle, disabled };
}

describe('strikes', () => {
  it('three within five minutes disable a policy, and further faults are not recorded', () => {
    const { fail, disabled, all, pass, k } = withPolicy();
    fail();
    pass(200_000);
    fail();
    expect(disabled()).toEqual([]);
    pass(99_000);
    fail();
    fail();
    expect(disabled()).toEqual(['live']);
    expect(all('policy.failed').map((event) => event.data.strike)).toEqual([1, 2, 3]);
    expect(k.check()).toEqual([]);
  });

  it('three over a longer time do not, nor do faults of which it is not guilty', () => {
    const { fail, disabled, pass, all } = withPolicy();
    for (let n = 0; n < 5; n++) {
      fail();
      pass(150_001);
    }
    for (let n = 0; n < 5; n++) fail(false);
    expect(disabled()).toEqual([]);
    expect(all('policy.failed').map((event) => event.data.strike)).toEqual([1, 2, 2, 2, 2, 0, 0, 0, 0, 0]);
  });

  it('are counted for each policy by itself, and from the start after it was loaded again', () => {
    const { fail, disabled, loaded, k } = withPolicy();
    loaded('/shadow.js');
    for (let n = 0; n < 2; n++) fail();
    for (let n = 0; n < 3; n++) fail(true, '/shadow.js');
    expect(disabled()).toEqual(['/shadow.js']);
    loaded();
    for (let n = 0; n < 2; n++) fail();
    expect(disabled()).toEqual(['/shadow.js']);
    expect(k.check()).toEqual([]);
  });
});

describe('what a policy wants while nothing waits', () => {
  it('a load begins when nobody is served, and what it loads serves', () => {
    const { idle, k, all } = withPolicy();
    idle({ action: 'load', model: modelId('b'), reason: 'it is morning' });
    expect(k.phase('b')).toBe('starting');
    k.ready('b');
    expect(k.request('b').grant).toMatchObject({ granted: true });
    expect(all('request.arrived')[0]?.data).toMatchObject({ kind: 'idle', endpoint: 'policy' });
    expect(k.check()).toEqual([]);
  });

  it('neither loads nor unloads while it would disturb somebody', () => {
    const { idle, k } = withPolicy();
    const ticket = k.serve('a');
    idle({ action: 'load', model: modelId('b'), reason: 'x' });
    idle({ action: 'unload', model: modelId('a'), reason: 'x' });
    expect([k.phase('a'), k.phase('b')]).toEqual(['ready', 'stopped']);
    k.finish(ticket);
    k.loop.post({ type: 'operator.pin', model: modelId('a'), owner: 'me', until: null });
    idle({ action: 'unload', model: modelId('a'), reason: 'x' });
    expect(k.phase('a')).toBe('ready');
    expect(k.check()).toEqual([]);
  });

  it('an answer to an older question, or about a model that does not exist, has no effect', () => {
    const { k, all } = withPolicy();
    const unload = { action: 'unload' as const, model: modelId('a'), reason: 'x' };
    k.finish(k.serve('a'));
    k.loop.post({ type: 'policy.idle', epoch: k.state.planEpoch - 1, verdict: unload });
    k.loop.post({ type: 'policy.idle', epoch: k.state.planEpoch, verdict: { ...unload, model: modelId('nobody') } });
    expect([k.phase('a'), all('policy.idled')]).toEqual(['ready', []]);
    expect(k.check()).toEqual([]);
  });

  it('is asked again not sooner than after a second, whatever it says', () => {
    const { idle, k, all } = withPolicy();
    idle({ action: 'none', wakeAt: k.now() });
    expect(k.state.policyWakeAt).toBe(k.now() + 1_000);
    idle({ action: 'none', wakeAt: k.now() + 60_000 });
    expect(k.state.policyWakeAt).toBe(k.now() + 60_000);
    expect(all('policy.idled')).toHaveLength(2);
    expect(k.check()).toEqual([]);
  });

  it('is forgotten when another policy takes over', () => {
    const { idle, k, loaded } = withPolicy();
    idle({ action: 'none', wakeAt: k.now() + 60_000, keep: [{ model: modelId('a'), until: k.now() + 60_000 }] });
    k.loop.post({ type: 'policy.ranked', epoch: k.state.planEpoch, order: [modelId('b'), modelId('a')] });
    expect(k.state.rank).toEqual(['b', 'a']);
    loaded();
    expect([k.state.policyWakeAt, k.state.rank, k.state.models.get(modelId('a'))?.keptUntil]).toEqual([null, [], null]);
    expect(k.check()).toEqual([]);
  });
});

describe('the order that a policy gives', () => {
  it('holds models of the configuration once, is recorded when it changes, and is that in which they are served', () => {
    const { k, all } = withPolicy({
      plan: (view) => {
        const loaded = view.models.filter((model) => model.phase === 'ready').map((model) => model.id);
        return { action: 'swap', evict: loaded, reason: 'one at a time' };
      },
    });
    const ticket = k.serve('a');
    k.request('b');
    k.pass(10);
    k.request('c');
    const order = ['c', 'nobody', 'b', 'c'].map(modelId);
    for (let n = 0; n < 2; n++) k.loop.post({ type: 'policy.ranked', epoch: k.state.planEpoch, order });
    expect(all('targets.ranked').map((event) => event.data.order)).toEqual([['c', 'b']]);
    k.finish(ticket);
    expect(all('swap.started').at(-1)?.model).toBe('c');
    expect(k.check()).toEqual([]);
  });

  it('does not put off who has waited too long', () => {
    const { k, all } = withPolicy({
      settings: { maxWaitMs: 1_000 },
      plan: (view) => {
        const loaded = view.models.filter((model) => model.phase === 'ready').map((model) => model.id);
        return { action: 'swap', evict: loaded, reason: 'one at a time' };
      },
    });
    const ticket = k.serve('a');
    k.request('b');
    k.pass(900);
    k.request('c');
    k.loop.post({ type: 'policy.ranked', epoch: k.state.planEpoch, order: [modelId('c'), modelId('b')] });
    k.pass(200);
    k.finish(ticket);
    expect(all('swap.started').at(-1)?.model).toBe('b');
    expect(k.check()).toEqual([]);
  });
});

describe('an answer that is not allowed and comes late', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('is asked for once: the fallback answers, and in this epoch nobody asks again', async () => {
    let asked = 0;
    const k = kernel({
      groups: { g: { members: ['a', 'b'] } },
      plan: async (view) => {
        if (view.target === 'a') return load;
        asked++;
        return { action: 'swap', evict: [modelId('nobody')], reason: 'x' };
      },
    }).boot();
    const busy = k.request('a');
    await turn();
    k.ready('a');
    k.request('b');
    await turn();
    k.pass(20_000);
    await turn();
    expect(asked).toBe(1);
    expect(k.all('plan.rejected')).toHaveLength(1);
    expect(k.all('plan.decided').at(-1)?.data.via).toBe('fallback');
    k.finish(busy);
    await turn();
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });
});
