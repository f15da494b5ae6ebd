import { describe, expect, it } from 'vitest';
import type { PolicyVerdict } from '../../src/core/events.ts';
import { modelId, requestId } from '../../src/core/ids.ts';
import { kernel } from './harness.ts';

const pair = { groups: { g: { members: ['a', 'b'] } } };
const load: PolicyVerdict = { action: 'swap', evict: [], reason: 'load' };
const toA = (requests?: string[]): PolicyVerdict => ({
  action: 'redirect',
  model: modelId('a'),
  reason: 'a is warm',
  ...(requests === undefined ? {} : { requests: requests.map(requestId) }),
});

describe('redirect', () => {
  it('has a loaded model serve in the place of the one that was asked for', () => {
    const k = kernel({ ...pair, plan: (view) => (view.target === 'b' ? toA() : load) }).boot();
    k.finish(k.serve('a'));
    const ticket = k.request('b');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(k.all('request.redirected')[0]).toMatchObject({ model: 'b', data: { to: 'a', reason: 'a is warm' } });
    expect(k.state.models.get(modelId('a'))?.serving.size).toBe(1);
    k.finish(ticket);
    expect(k.all('request.finished').at(-1)?.model).toBe('a');
    expect(k.check()).toEqual([]);
  });

  it('moves only those that are named; the others are asked about again', () => {
    const asked: string[][] = [];
    const k = kernel({
      ...pair,
      plan: (view) => {
        if (view.target === 'a') return load;
        asked.push(view.asking.map(String));
        if (view.asking.length < 2) return { action: 'wait', reason: 'more' };
        return asked.length < 4 && view.asking.includes(requestId('mover')) ? toA(['mover']) : load;
      },
    }).boot();
    k.finish(k.serve('a'));
    const stays = k.request('b', { id: 'stays' });
    const mover = k.request('b', { id: 'mover' });
    k.pass(6_000);
    expect(mover.grant).toMatchObject({ granted: true });
    expect(stays.grant).toBeNull();
    k.finish(mover);
    k.pass(6_000);
    expect(k.check()).toEqual([]);
  });

  it('beyond the places of the other model is a 429', () => {
    const k = kernel({
      ...pair,
      models: { a: { concurrencyLimit: 1 } },
      plan: (view) => (view.target === 'b' ? toA() : load),
    }).boot();
    k.finish(k.serve('a'));
    expect(k.request('b').grant).toMatchObject({ granted: true });
    expect(k.request('b').grant).toMatchObject({ granted: false, status: 429 });
    expect(k.check()).toEqual([]);
  });

  it.each([
    ['not-ready', modelId('c')],
    ['unknown-model', modelId('nobody')],
    ['not-ready', modelId('b')],
  ])('is refused by rule %s when it leads to %s, and the fallback answers', (rule, model) => {
    const k = kernel({
      groups: { g: { members: ['a', 'b', 'c'] } },
      plan: (view) => (view.target === 'b' ? { action: 'redirect', model, reason: 'x' } : load),
    }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    expect(k.all('plan.rejected').map((event) => event.data.rule)).toEqual([rule]);
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('happens once: a request that was moved waits for its new model whatever the planner says', () => {
    const k = kernel({
      groups: { g: { members: ['a', 'b'], swap: false } },
      plan: (view) => {
        if (view.target === 'b') return toA();
        return view.models.some((model) => model.id === 'b' && model.phase === 'ready')
          ? { action: 'redirect', model: modelId('b'), reason: 'back' }
          : load;
      },
    }).boot();
    k.finish(k.serve('a'));
    const ticket = k.request('b');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(k.all('request.redirected')).toHaveLength(1);
  });
});

describe('onDemand', () => {
  it('refuse: a request does not load the model, an operator does', () => {
    const k = kernel({ ...pair, models: { b: { onDemand: { action: 'refuse' } } } }).boot();
    expect(k.request('b').grant).toMatchObject({ granted: false, status: 503, code: 'not-loaded' });
    const byHand = k.request('b', { kind: 'load' });
    k.ready('b');
    expect(byHand.grant).toMatchObject({ granted: true });
    k.finish(byHand);
    expect(k.request('b').grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('redirect: whichever of the others is ready serves, with places left', () => {
    const k = kernel({
      groups: { g: { members: ['a', 'b', 'c'] } },
      models: {
        a: { concurrencyLimit: 1 },
        b: { onDemand: { action: 'redirect', to: [modelId('c'), modelId('a')], otherwise: 'refuse' } },
      },
    }).boot();
    expect(k.request('b').grant).toMatchObject({ granted: false, code: 'not-loaded' });
    k.finish(k.serve('a'));
    expect(k.request('b').grant).toMatchObject({ granted: true });
    expect(k.all('request.redirected').at(-1)?.data).toEqual({ to: 'a', reason: 'b is not loaded and a is' });
    expect(k.request('b').grant).toMatchObject({ granted: false, code: 'not-loaded' });
    expect(k.check()).toEqual([]);
  });

  it('redirect, otherwise load: it is loaded when nobody stands in for it, and serves by itself from then on', () => {
    const onDemand = { action: 'redirect' as const, to: [modelId('a')], otherwise: 'load' as const };
    const k = kernel({ groups: { g: { members: ['a', 'b'], swap: false } }, models: { b: { onDemand } } }).boot();
    const first = k.serve('b');
    expect(first.grant).toMatchObject({ granted: true });
    k.finish(k.serve('a'));
    k.finish(k.request('b'));
    expect(k.all('request.redirected')).toEqual([]);
  });
});

describe('the priority of a client', () => {
  it('is added to that of the model: its request goes first', () => {
    const k = kernel({
      groups: { g: { members: ['a', 'b', 'c'] } },
      settings: { clientPriority: { boss: 5 } },
    }).boot();
    const busy = k.serve('a');
    k.request('b');
    k.request('c', { client: 'boss' });
    expect(k.all('request.arrived').at(-1)?.data.priority).toBe(5);
    k.finish(busy);
    expect(k.all('swap.started').at(-1)?.model).toBe('c');
  });
});
