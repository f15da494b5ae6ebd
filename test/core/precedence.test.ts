/** Who goes before whom (kernel section 4): operator, pin, lease, minimum residency, maxWait, priority, age. */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { kernel } from './harness.ts';

const SECOND = 1_000;
const MAX_WAIT = 20 * SECOND;

describe.each([true, false])('with anti-thrash %s', (antiThrash) => {
  /** `a` serves, and nobody outranks that; then `b` waits, and `c` of higher priority comes so much later. */
  function loadedFirst(afterMs: number, ranked: string[] = []): string {
    const k = kernel({
      models: { a: { priority: 9 }, c: { priority: 5 } },
      settings: { antiThrash, maxWaitMs: MAX_WAIT },
    }).boot();
    const serving = k.serve('a');
    k.request('b');
    k.pass(afterMs);
    k.request('c');
    if (ranked.length > 0) k.loop.post({ type: 'policy.ranked', order: ranked.map(modelId), epoch: k.state.planEpoch });
    k.finish(serving);
    k.exited('a');
    expect(k.check()).toEqual([]);
    return ['b', 'c'].find((id) => k.phase(id) === 'starting') ?? 'none';
  }

  it('priority goes before age', () => {
    expect(loadedFirst(MAX_WAIT / 2)).toBe('c');
  });

  it('whoever has waited for maxWait goes before a higher priority: requests age', () => {
    expect(loadedFirst(MAX_WAIT + SECOND)).toBe('b');
  });

  it('the order of a policy goes before priority and after maxWait', () => {
    expect(loadedFirst(MAX_WAIT / 2, ['b', 'c'])).toBe('b');
    expect(loadedFirst(MAX_WAIT + SECOND, ['c', 'b'])).toBe('b');
  });

  it('minimum residency goes before maxWait', () => {
    const k = kernel({ models: { a: { minResidencyMs: 60 * SECOND } }, settings: { antiThrash, maxWaitMs: MAX_WAIT } });
    k.boot();
    k.finish(k.serve('a'));
    k.request('b');
    k.pass(59 * SECOND);
    expect(k.phase('a')).toBe('ready');
    k.pass(SECOND);
    expect(k.phase('a')).toBe('stopping');
  });

  it('whoever a model was loaded for goes before minimum residency and maxWait', () => {
    const k = kernel({ settings: { antiThrash, maxWaitMs: MAX_WAIT } }).boot();
    const owed = k.request('a');
    k.request('b');
    k.pass(2 * MAX_WAIT);
    expect(k.phase('a')).toBe('starting');
    k.ready('a');
    expect(owed.grant).toMatchObject({ granted: true });
    k.pass(2 * MAX_WAIT);
    expect(k.phase('a')).toBe('ready');
    k.finish(owed);
    expect(k.phase('a')).toBe('stopping');
  });

  it('an operator goes before a pin', () => {
    const k = kernel({ settings: { antiThrash } }).boot();
    k.finish(k.serve('a'));
    k.loop.post({ type: 'operator.pin', model: modelId('a'), owner: 'anna', until: null });
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'bob' });
    expect(k.phase('a')).toBe('stopping');
  });
});
