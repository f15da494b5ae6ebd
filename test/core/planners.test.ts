import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/core/events.ts';
import { modelId, requestId } from '../../src/core/ids.ts';
import type { View } from '../../src/core/view.ts';
import { kernel } from './harness.ts';

const swap = (...evict: string[]): Verdict => ({ action: 'swap', evict: evict.map(modelId), reason: 'test' });
const a = { models: { a: {}, b: {} }, groups: { g: { members: ['a', 'b', 'c'] } } };

describe('a planner that answers nonsense', () => {
  it.each([
    ['unknown-model', swap('nobody')],
    ['duplicate', swap('a', 'a')],
    ['target-evicted', swap('b')],
    ['overcommit', swap()],
  ])('is refused by rule %s, and the fallback answers at once', (rule, verdict) => {
    const k = kernel({ ...a, plan: (view) => (view.target === 'b' ? verdict : swap()) }).boot();
    k.finish(k.serve('a'));
    k.request('b');
    expect(k.all('plan.rejected').map((event) => event.data.rule)).toEqual([rule]);
    expect(k.all('plan.decided').at(-1)?.data.via).toBe('fallback');
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('that throws is replaced by the fallback for this question', () => {
    const k = kernel({
      ...a,
      plan: () => {
        throw new Error('policy bug');
      },
    }).boot();
    k.request('a');
    expect(k.phase('a')).toBe('starting');
    expect(k.all('plan.decided').at(-1)?.data.via).toBe('fallback');
  });
});

describe('verdicts', () => {
  it('wait: the target is asked again when the time is over', () => {
    const asked: number[] = [];
    const k = kernel({
      plan: (view) => {
        asked.push(view.now);
        return asked.length < 3 ? { action: 'wait', forMs: 2_000, reason: 'not yet' } : swap();
      },
    }).boot();
    const began = k.now();
    k.request('a');
    k.pass(10_000);
    expect(asked.map((at) => at - began)).toEqual([0, 2_000, 4_000]);
    expect(k.phase('a')).toBe('starting');
    expect(k.all('target.blocked')[0]?.data).toMatchObject({ on: 'until', reason: 'not yet' });
  });

  it('wait is clamped to 250 ms at least, and recorded at most once a second', () => {
    let asked = 0;
    const k = kernel({ plan: () => ({ action: 'wait', forMs: 0, reason: `no ${++asked > 0}` }) }).boot();
    k.request('a');
    k.pass(10_000);
    expect(asked).toBeGreaterThan(9);
    expect(asked).toBeLessThanOrEqual(41);
    expect(k.all('target.blocked').length).toBeLessThanOrEqual(11);
  });

  it('reject: all that ask are refused, or only those that are named', () => {
    const k = kernel({
      plan: (view) =>
        view.asking.length < 2
          ? { action: 'wait', forMs: 60_000, reason: 'more' }
          : { action: 'reject', status: 429, retryAfterSec: 30, reason: 'busy', requests: [requestId('r1')] },
    }).boot();
    const first = k.request('a');
    const second = k.request('a');
    k.pass(60_100);
    expect(first.grant).toMatchObject({ status: 429, retryAfterSec: 30, message: 'busy' });
    expect(second.grant).toBeNull();
    expect(k.check()).toEqual([]);
  });

  it('swap with when: drain stops new requests for busy victims at once', () => {
    const k = kernel({
      ...a,
      plan: (view) =>
        view.target === 'b' ? { action: 'swap', evict: [modelId('a')], reason: 'x', when: 'drain' } : swap(),
    }).boot();
    k.serve('a');
    k.request('b');
    expect(k.request('a').grant).toBeNull();
  });
});

describe('a planner that answers late', () => {
  const later = () => {
    const open: ((verdict: Verdict) => void)[] = [];
    const views: View[] = [];
    const plan = (view: View) => {
      views.push(view);
      return new Promise<Verdict>((resolve) => open.push(resolve));
    };
    return { plan, open, views };
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  it('has one question outstanding at a time', async () => {
    const planner = later();
    const k = kernel({ groups: { g: { swap: false, members: ['a', 'b'] } }, plan: planner.plan }).boot();
    k.request('a');
    k.request('b');
    expect(planner.views.map((view) => view.target)).toEqual(['a']);
    planner.open[0]?.(swap());
    await turn();
    expect(planner.views.map((view) => view.target)).toEqual(['a', 'b']);
  });

  it('drops an answer of an older epoch without an event, and asks again', async () => {
    const planner = later();
    const k = kernel({ groups: { g: { swap: false, members: ['a', 'b'] } }, plan: planner.plan }).boot();
    k.request('a');
    k.loop.post({ type: 'config.loaded', hash: 'x', trigger: 'reload', settings: k.state.settings });
    k.news();
    planner.open[0]?.(swap());
    await turn();
    expect(k.news()).toEqual([]);
    expect(planner.views).toHaveLength(2);
    planner.open[1]?.(swap());
    await turn();
    expect(k.phase('a')).toBe('starting');
  });

  it('is replaced by the fallback after 500 ms', () => {
    const k = kernel({ plan: later().plan }).boot();
    k.request('a');
    k.pass(499);
    expect(k.phase('a')).toBe('stopped');
    k.pass(2);
    expect(k.phase('a')).toBe('starting');
    expect(k.all('plan.decided').at(-1)?.data).toMatchObject({ via: 'fallback', planner: { name: 'group' } });
  });

  it('is replaced by the fallback after three dropped answers', async () => {
    const planner = later();
    const k = kernel({ groups: { g: { swap: false, members: ['a', 'b'] } }, plan: planner.plan }).boot();
    k.request('a');
    for (let n = 0; n < 3; n++) {
      k.loop.post({ type: 'config.loaded', hash: 'x', trigger: 'reload', settings: k.state.settings });
      planner.open[n]?.(swap());
      await turn();
    }
    expect(k.phase('a')).toBe('starting');
    expect(k.all('plan.decided').at(-1)?.data.via).toBe('fallback');
  });
});

describe('an answer that is the same as before', () => {
  it('is no news: only another outcome or reason is recorded', () => {
    const k = kernel().boot();
    k.serve('a');
    k.request('b');
    const answers = () => k.all('plan.decided').filter(({ model }) => model === 'b');
    const outcomes = () => answers().map(({ data }) => data.outcome);
    expect(outcomes()).toEqual(['pending']);
    const pin = (model: string, until: number | null) =>
      k.loop.post({ type: 'operator.pin', model: modelId(model), owner: 'test', until });
    for (let n = 0; n < 5; n++) {
      pin('c', k.now() + 1_000);
      k.pass(2_000);
    }
    expect(k.state.planEpoch).toBeGreaterThan(10);
    expect(outcomes()).toEqual(['pending']);
    pin('a', null);
    expect(outcomes()).toEqual(['pending', 'waiting']);
    k.pass(60_000);
    k.loop.post({ type: 'operator.unpin', model: modelId('a'), by: 'test' });
    expect(outcomes()).toEqual(['pending', 'waiting', 'pending']);
    expect(new Set(answers().map(({ data }) => data.verdict.reason)).size).toBe(2);
    expect(k.check()).toEqual([]);
  });
});

describe('the view', () => {
  it('shows the target, who asks, what is loaded and what is in the way', () => {
    const views: View[] = [];
    const k = kernel({
      ...a,
      plan: (view) => {
        views.push(view);
        return swap(...view.models.filter((model) => model.phase === 'ready').map((model) => model.id));
      },
    }).boot();
    k.serve('a');
    k.pass(1_500);
    k.request('b', { id: 'who' });
    const view = views.at(-1) as View;
    expect(view).toMatchObject({ target: 'b', asking: ['who'], waitingTotal: { b: 1 } });
    expect(view.models.map((model) => model.id)).toEqual(['a', 'b', 'c']);
    expect(view.models[0]).toMatchObject({ phase: 'ready', inFlight: 1, evictable: { rule: 'busy' }, loadedMs: 1_500 });
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });
});
