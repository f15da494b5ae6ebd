/**
 * What no planner can do however legal its answers are: make anybody wait for ever. One that never evicts, one that always
 * evicts everything, one that always puts the same model first: each is bounded by the kernel.
 */
import { describe, expect, it } from 'vitest';
import type { PolicyVerdict } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import { rankedTargets } from '../../src/core/rules.ts';
import type { View } from '../../src/core/view.ts';
import { kernel } from './harness.ts';

const evictAll = (view: View): PolicyVerdict => {
  const alive = view.models.filter(({ phase }) => phase === 'ready' || phase === 'starting');
  return { action: 'swap', evict: alive.map(({ id }) => id), reason: 'everything leaves' };
};
const MODELS = ['a', 'b', 'c'];
type Kernel = ReturnType<typeof kernel>;

/** Time goes by, and processes do what they do. */
function live(k: Kernel, seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    for (const model of MODELS) {
      const phase = k.phase(model);
      if (phase === 'starting') k.ready(model);
      else if (phase === 'stopping') k.exited(model);
    }
    k.pass(1_000);
  }
}

describe('a policy that never evicts', () => {
  it('is replaced by the fallback for whoever has waited for maxWait', () => {
    const k = kernel({
      settings: { maxWaitMs: 20_000 },
      plan: () => ({ action: 'wait', forMs: 1_000, reason: 'never' }),
    }).boot();
    const first = k.request('a');
    live(k, 19);
    expect(first.grant).toBeNull();
    live(k, 5);
    expect(first.grant).toMatchObject({ granted: true });
    const second = k.request('b');
    k.finish(first);
    live(k, 25);
    expect(second.grant).toMatchObject({ granted: true });
    expect(
      k
        .all('plan.decided')
        .filter(({ data }) => data.verdict.action === 'swap')
        .map(({ data }) => data.via),
    ).toEqual(['fallback', 'fallback']);
    expect(k.check()).toEqual([]);
  });
});

describe('a policy that always evicts everything', () => {
  it('ends no request, and everybody is served in the end', () => {
    const k = kernel({ settings: { maxWaitMs: 20_000 }, plan: evictAll }).boot();
    const busy = k.serve('a');
    const waiting = [k.request('b'), k.request('c'), k.request('b')];
    live(k, 60);
    expect(k.phase('a')).toBe('ready');
    expect(k.all('process.stopping')).toEqual([]);
    k.finish(busy);
    for (let n = 0; n < 30; n++) {
      live(k, 2);
      for (const ticket of waiting) if (ticket.grant?.granted === true) k.finish(ticket);
    }
    expect(waiting.map(({ grant }) => grant?.granted)).toEqual([true, true, true]);
    expect(k.all('request.finished')).toHaveLength(4);
    expect(k.check()).toEqual([]);
  });
});

describe('the order of a policy', () => {
  const order = (k: Kernel) => rankedTargets(k.state, k.now()).map(({ id }) => id);
  const rank = (k: Kernel, ...ids: string[]) =>
    k.loop.post({ type: 'policy.ranked', epoch: k.state.planEpoch, order: ids.map(modelId) });
  /** `a` serves; `b` has waited longest, `c` came later and has priority. */
  const waiting = () => {
    const k = kernel({
      groups: { g: { members: ['a', 'b', 'c', 'd'] } },
      models: { c: { priority: 5 } },
      settings: { maxWaitMs: 60_000, drainTimeoutMs: 600_000 },
      plan: (view) => (view.target === 'a' ? evictAll(view) : { action: 'wait', reason: 'not yet' }),
    }).boot();
    k.serve('a');
    k.request('b');
    k.pass(5_000);
    k.request('c');
    k.request('d');
    return k;
  };

  it('goes before priority and age; what it does not name comes last, as it would without it', () => {
    const k = waiting();
    expect(order(k)).toEqual(['c', 'b', 'd']);
    rank(k, 'd');
    expect(order(k)).toEqual(['d', 'c', 'b']);
    rank(k, 'b', 'd', 'c');
    expect(order(k)).toEqual(['b', 'd', 'c']);
    rank(k);
    expect(order(k)).toEqual(['c', 'b', 'd']);
  });

  it('goes never before a model that is being drained for, nor before one that is overdue', () => {
    const k = waiting();
    rank(k, 'd', 'c', 'b');
    k.pass(56_000); // b is overdue, and so a is drained for it
    expect(k.state.drain?.target).toBe('b');
    expect(order(k)).toEqual(['b', 'd', 'c']);
    k.pass(5_000); // and now the others are, too
    expect(order(k)).toEqual(['b', 'c', 'd']);
    expect(k.check()).toEqual([]);
  });
});
