import { describe, expect, it } from 'vitest';
import type { RunId } from '../../src/core/ids.ts';
import { modelId } from '../../src/core/ids.ts';
import { type KernelSpec, kernel } from './harness.ts';

const GB = 1e9;
const budget: KernelSpec = {
  groups: {},
  models: { a: { memory: 20 * GB }, b: { memory: 20 * GB } },
  settings: { planner: 'budget', fallback: 'budget', devices: [{ id: 'gpu0', bytes: 24 * GB }] },
};

const sample = (k: ReturnType<typeof kernel>, used: number, of: Record<string, number> = {}) =>
  k.loop.post({
    type: 'devices.sampled',
    devices: [{ id: 'gpu0', totalBytes: 24 * GB, usedBytes: used * GB }],
    runs: Object.entries(of).map(([model, bytes]) => ({
      run: k.state.models.get(modelId(model))?.run?.run as RunId,
      bytes: { gpu0: bytes * GB },
    })),
  });

/** a is loaded and seen to hold 20 of 24 GB; b is asked for, and a has gone. */
function cleared() {
  const k = kernel(budget).boot();
  k.finish(k.serve('a'));
  sample(k, 20.5, { a: 20 });
  k.request('b');
  k.pass(100);
  k.exited('a');
  return k;
}

describe('memory that evicted models have not given back', () => {
  it('is waited for: the target starts when a sample says that it is free', () => {
    const k = cleared();
    expect(k.phase('b')).toBe('stopped');
    k.pass(300);
    sample(k, 18);
    expect(k.all('memory.short')[0]?.data.missing).toEqual({ gpu0: 14 * GB });
    k.pass(4_000);
    sample(k, 0.6);
    expect(k.all('memory.awaited')[0]?.data).toMatchObject({ why: 'freed', waitedMs: 4_000 });
    expect(k.phase('b')).toBe('starting');
    expect(k.check()).toEqual([]);
  });

  it('is waited for 15 s at most: then the target starts anyway, and an event says so', () => {
    const k = cleared();
    k.pass(300);
    sample(k, 18);
    k.pass(14_600);
    expect(k.phase('b')).toBe('stopped');
    k.pass(200);
    expect(k.all('memory.awaited')[0]?.data.why).toBe('timeout');
    expect(k.phase('b')).toBe('starting');
    expect(k.check()).toEqual([]);
  });

  it('is not waited for when nobody looks any more: the target starts after a second', () => {
    const k = cleared();
    k.pass(999);
    expect(k.phase('b')).toBe('stopped');
    k.pass(2);
    expect(k.phase('b')).toBe('starting');
    expect(k.all('memory.short')).toEqual([]);
    expect(k.check()).toEqual([]);
  });

  it('does not count what others hold: a desktop on the same device delays nothing', () => {
    const k = kernel(budget).boot();
    k.finish(k.serve('a'));
    sample(k, 24, { a: 19.5 });
    k.request('b');
    k.exited('a');
    k.pass(300);
    sample(k, 4.6);
    expect(k.phase('b')).toBe('starting');
  });

  it('is not looked at where nothing was ever observed', () => {
    const k = kernel(budget).boot();
    k.finish(k.serve('a'));
    k.request('b');
    k.exited('a');
    expect(k.phase('b')).toBe('starting');
  });
});

describe('what a model takes', () => {
  it('is the median of what was observed, where that is more than declared; forgetting ends it', () => {
    const k = kernel({
      ...budget,
      models: { a: { memory: 4 * GB }, b: { memory: 4 * GB } },
    }).boot();
    k.finish(k.serve('a'));
    for (const bytes of [21, 22, 21]) sample(k, bytes, { a: bytes });
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'anna' });
    k.exited('a');
    k.finish(k.serve('b'));
    k.request('a');
    expect(k.phase('b')).toBe('stopping');
    k.exited('b');
    expect(k.all('process.starting').at(-1)?.data.memory).toEqual({ gpu0: 21 * GB });
    k.loop.post({ type: 'operator.forget', model: modelId('a'), by: 'anna' });
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'anna' });
    k.exited('a');
    k.request('a');
    expect(k.all('process.starting').at(-1)?.data.memory).toBe(4 * GB);
    expect(k.check()).toEqual([]);
  });

  it('counts from start to confirmed exit: a model that still stops holds its place', () => {
    const k = kernel({
      ...budget,
      models: { a: { memory: 12 * GB }, b: { memory: 12 * GB }, c: { memory: 12 * GB } },
    }).boot();
    k.finish(k.serve('a'));
    k.finish(k.serve('b'));
    k.loop.post({ type: 'operator.unload', models: [modelId('a')], by: 'anna' });
    k.request('c');
    expect(k.phase('c')).toBe('stopped');
    expect(k.phase('b')).toBe('ready');
    k.exited('a');
    expect(k.phase('c')).toBe('starting');
    expect(k.phase('b')).toBe('ready');
    expect(k.check()).toEqual([]);
  });

  it('is everything while nothing is known of it, and what was seen after three samples', () => {
    const k = kernel({ ...budget, models: { a: {}, b: { memory: 4 * GB } } }).boot();
    k.finish(k.serve('a'));
    for (let n = 0; n < 3; n++) sample(k, 10, { a: 10 });
    k.request('b');
    expect(k.phase('a')).toBe('ready');
    expect(k.phase('b')).toBe('starting');
    expect(k.check()).toEqual([]);
  });
});
