/** What becomes of requests when the matrix planner decides (spec 4.10; llama-swap's tests of its matrix router). */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { kernel } from '../core/harness.ts';
import { matrixOf, matrixSettings } from './matrix-scene.ts';

describe('requests under a matrix', () => {
  const start = (sets: Record<string, string>, costs: Record<string, number> = {}) => {
    const { models, ...rest } = matrixSettings(matrixOf(sets, costs));
    const named = Object.fromEntries(models.map(({ id }) => [id, {}]));
    return kernel({ groups: {}, models: named, settings: rest }).boot();
  };

  it('stop the old model when no set holds both', () => {
    const k = start({ s: 'a | b' });
    k.finish(k.serve('a'));
    const ticket = k.request('b');
    expect([k.phase('a'), k.phase('b')]).toEqual(['stopping', 'stopped']);
    k.exited('a');
    k.ready('b');
    expect(ticket.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('leave both running when a set holds both', () => {
    const k = start({ s: 'a & b' });
    k.finish(k.serve('a'));
    k.finish(k.serve('b'));
    expect([k.phase('a'), k.phase('b')]).toEqual(['ready', 'ready']);
    expect(k.all('process.stopping')).toEqual([]);
    expect(k.check()).toEqual([]);
  });

  it('load models of a common set at the same time', () => {
    const k = start({ s: 'a & b' });
    k.request('a');
    k.request('b');
    expect([k.phase('a'), k.phase('b')]).toEqual(['starting', 'starting']);
    expect(k.check()).toEqual([]);
  });

  it('queue behind an incompatible load, then evict', () => {
    const k = start({ s: 'a | b' });
    const first = k.request('a');
    const second = k.request('b');
    expect([k.phase('a'), k.phase('b')]).toEqual(['starting', 'stopped']);
    k.ready('a');
    expect([first.grant?.granted, second.grant]).toEqual([true, null]);
    expect(k.phase('a')).toBe('ready');
    k.finish(first);
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect(second.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('never evict a busy model: the swap waits for its requests', () => {
    const k = start({ s: 'a | b' });
    const serving = k.serve('a');
    k.request('b');
    expect(k.phase('a')).toBe('ready');
    k.finish(serving);
    expect(k.phase('a')).toBe('stopping');
  });

  it('for a model that is ready are served at once, whatever else runs', () => {
    const k = start({ s: 'a & b' });
    k.finish(k.serve('a'));
    k.finish(k.serve('b'));
    k.news();
    expect(k.request('a').grant).toMatchObject({ granted: true });
    expect(k.news()).toEqual(['request.arrived a', 'request.granted a']);
  });

  it('keep the expensive model and evict the cheap one; the event says why and what else there was', () => {
    const k = start({ s: 'a & b', t: 'a & c', u: 'b & c' }, { c: 10 });
    k.finish(k.serve('b'));
    k.finish(k.serve('c'));
    k.request('a');
    expect([k.phase('b'), k.phase('c')]).toEqual(['stopping', 'ready']);
    expect(k.all('plan.decided').at(-1)?.data).toMatchObject({
      planner: { name: 'matrix', version: '1' },
      verdict: {
        evict: ['b'],
        reason: 'set "t" (a & c) holds a beside c, so b must leave (evict cost 1)',
        alternatives: [{ evict: ['c'] }],
      },
    });
  });

  it('that need the room of a swap under way are both served in the end', () => {
    const k = start({ s: 'x & v', t: 'x & u & t', w: 'u & v' }, { v: 2 });
    k.finish(k.serve('u'));
    k.finish(k.serve('v'));
    const first = k.request('x');
    expect(k.phase('u')).toBe('stopping');
    const second = k.request('t');
    for (let n = 0; n < 10 && (first.grant === null || second.grant === null); n++) {
      for (const id of ['u', 'v', 'x', 't']) {
        if (k.phase(id) === 'stopping') k.exited(id);
        if (k.phase(id) === 'starting') k.ready(id);
      }
      for (const ticket of [first, second]) if (ticket.grant?.granted === true) k.finish(ticket);
      k.pass(5_000);
    }
    expect([first.grant?.granted, second.grant?.granted]).toEqual([true, true]);
    expect(k.check()).toEqual([]);
  });

  it('are refused or wait for a pin when every set would evict the pinned model', () => {
    const k = start({ s: 'a | b' });
    k.finish(k.serve('a'));
    k.loop.post({ type: 'operator.pin', model: modelId('a'), owner: 'anna', until: k.now() + 60_000 });
    k.request('b');
    expect(k.all('target.blocked').at(-1)?.data).toMatchObject({ on: 'pin' });
    k.pass(61_000);
    expect(k.phase('a')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });
});
