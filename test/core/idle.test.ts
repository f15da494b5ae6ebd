import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { kernel } from './harness.ts';

const pair = { groups: { g: { members: ['small', 'big'] } } };
const whenIdle = { afterMs: 600_000, load: modelId('small') };

describe('whenIdle', () => {
  it('loads its model when nobody asked for anything for that long, in the place of what was there', () => {
    const k = kernel({ ...pair, settings: { whenIdle } }).boot();
    k.finish(k.serve('big'));
    k.pass(599_000);
    expect(k.phase('big')).toBe('ready');
    k.pass(1_001);
    expect(k.phase('big')).toBe('stopping');
    k.exited('big');
    k.ready('small');
    expect(k.phase('small')).toBe('ready');
    expect(k.all('request.arrived').at(-1)?.data).toMatchObject({ kind: 'idle', endpoint: 'whenIdle' });
    expect(k.state.requests.size).toBe(0);
    k.pass(3_600_000);
    expect(k.all('request.arrived').filter((event) => event.data.kind === 'idle')).toHaveLength(1);
    expect(k.check()).toEqual([]);
  });

  it('gives way to a client at once, and comes back when that is over', () => {
    const k = kernel({ ...pair, settings: { whenIdle } }).boot();
    k.pass(600_001);
    expect(k.phase('small')).toBe('starting');
    const client = k.request('big');
    expect(k.all('request.cancelled')).toHaveLength(1);
    expect(k.phase('small')).toBe('stopping');
    k.exited('small');
    k.ready('big');
    expect(client.grant).toMatchObject({ granted: true });
    k.finish(client);
    k.pass(600_001);
    k.exited('big');
    expect(k.phase('small')).toBe('starting');
    expect(k.check()).toEqual([]);
  });

  it('is joined by a client that wants the same model', () => {
    const k = kernel({ ...pair, settings: { whenIdle } }).boot();
    k.pass(600_001);
    const client = k.request('small');
    expect(k.all('request.cancelled')).toEqual([]);
    k.ready('small');
    expect(client.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });

  it('does not try again what failed, or was unloaded by hand, before clients came', () => {
    const k = kernel({ ...pair, settings: { whenIdle } }).boot();
    k.pass(600_001);
    k.exited('small', 1);
    k.pass(3_600_000);
    expect(k.all('process.starting')).toHaveLength(1);
    k.finish(k.serve('big'));
    k.pass(600_001);
    k.exited('big');
    k.ready('small');
    k.loop.post({ type: 'operator.unload', models: [modelId('small')], by: 'anna' });
    k.exited('small');
    k.pass(3_600_000);
    expect(k.all('process.starting').filter((event) => event.model === 'small')).toHaveLength(2);
  });

  it('leaves a pinned model alone', () => {
    const k = kernel({ ...pair, settings: { whenIdle } }).boot();
    k.finish(k.serve('big'));
    k.loop.post({ type: 'operator.pin', model: modelId('big'), owner: 'anna', until: null });
    k.pass(3_600_000);
    expect(k.phase('big')).toBe('ready');
    expect(k.check()).toEqual([]);
  });
});

describe('keepWarm', () => {
  const minute = 60_000;
  // The clock of these tests begins at 00:16:40 UTC on a Thursday.
  const at = (hours: number, minutes: number) => (hours * 60 + minutes) * minute;
  const window = { days: [4], fromMin: 60, toMin: 120 };

  it('loads the model when its window begins, keeps it beyond its TTL, and lets it go at the end', () => {
    const k = kernel({ ...pair, models: { small: { ttlMs: 5 * minute, keepWarm: [window] } } }).boot();
    k.pass(at(0, 59) - k.now());
    expect(k.phase('small')).toBe('stopped');
    k.pass(2 * minute);
    expect(k.phase('small')).toBe('starting');
    k.ready('small');
    k.pass(at(1, 59) - k.now());
    expect(k.phase('small')).toBe('ready');
    k.pass(2 * minute);
    expect(k.phase('small')).toBe('stopping');
    expect(k.check()).toEqual([]);
  });

  it('brings the model back a minute after whoever put it out has gone quiet', () => {
    const k = kernel({ ...pair, models: { small: { keepWarm: [window] } } }).boot();
    k.pass(at(1, 1) - k.now());
    k.ready('small');
    const client = k.request('big');
    k.exited('small');
    k.ready('big');
    k.finish(client);
    k.pass(59_000);
    expect(k.phase('big')).toBe('ready');
    k.pass(1_100);
    k.exited('big');
    expect(k.phase('small')).toBe('starting');
    expect(k.check()).toEqual([]);
  });

  it('of two models that cannot be together does not make them take turns', () => {
    const keepWarm = [window];
    const k = kernel({ ...pair, models: { small: { keepWarm }, big: { keepWarm } } }).boot();
    k.pass(at(1, 1) - k.now());
    k.ready('small');
    k.pass(30 * minute);
    expect(k.all('process.starting')).toHaveLength(1);
  });

  it('follows the wall clock when that is set', () => {
    const k = kernel({ ...pair, models: { small: { keepWarm: [window] } } }).boot();
    k.loop.post({ type: 'clock.stepped', byMs: 50 * minute });
    k.pass(minute);
    expect(k.phase('small')).toBe('starting');
  });
});
