import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import type { ModelView } from '../../src/core/view.ts';
import { ask, GIB, NOW, type Scene } from './budget-view.ts';

const MINUTE = 60_000;
const evicted = (scene: Scene) => {
  const { verdict } = ask(scene);
  return verdict.action === 'swap' ? verdict.evict : verdict;
};
const busy: Partial<ModelView> = { evictable: { rule: 'busy' }, inFlight: 1, idleMs: 0 };
const pinned = (until: number | null = null): Partial<ModelView> => ({
  pinned: { owner: 'alice', until },
  evictable: { rule: 'pinned' },
});
const inSwap: Partial<ModelView> = { evictable: { rule: 'swap' } };
/** Loaded in 20 s and asked for a minute ago: dear. */
const dear = { loadSec: 20, askedAgoMin: [1], perHour: 30 };
/** Loaded in 10 s and not asked for in an hour: cheap. */
const cheap = { loadSec: 10, askedAgoMin: [61] };

describe('the budget planner waits', () => {
  it.each<[string, Scene, string]>([
    [
      'for a model that is stopping, when that alone makes room',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, phase: 'stopping' }, b: { size: 12, ...cheap } } },
      'a is stopping, which makes enough room',
    ],
    [
      'for what another swap evicts, when that alone makes room',
      {
        target: 't',
        models: {
          t: { size: 6 },
          x: { size: 12, phase: 'stopped', view: inSwap },
          a: { size: 12, phase: 'stopping', view: inSwap },
          b: { size: 6, ...cheap },
        },
        view: { swaps: [{ target: 'x', evict: ['a'], phase: 'stopping', ageMs: 1 }] as never },
      },
      'a is stopping, which makes enough room',
    ],
    [
      'for a swap whose target needs the same room: it counts as loaded from its beginning',
      {
        target: 't',
        models: { t: { size: 12 }, x: { size: 20, phase: 'starting', view: inSwap } },
        view: { swaps: [{ target: 'x', evict: [], phase: 'starting', ageMs: 1 }] as never },
      },
      '12 GiB on gpu0 are needed and 4 GiB are free: x comes first',
    ],
    [
      'for the swap that evicts the target itself',
      {
        target: 't',
        models: { t: { size: 12, phase: 'stopping', view: inSwap }, x: { size: 20, phase: 'stopped', view: inSwap } },
        view: { swaps: [{ target: 'x', evict: ['t'], phase: 'stopping', ageMs: 1 }] as never },
      },
      'the swap to x comes first',
    ],
    [
      'for the target to stop before it is started again',
      { target: 't', models: { t: { size: 12, phase: 'stopping' } } },
      't is stopping and is started again then',
    ],
    [
      'when only a wish to keep a model is in the way',
      { target: 't', models: { t: { size: 20 }, a: { size: 12 } }, protect: ['a'] },
      '20 GiB on gpu0 are needed and 12 GiB are free, but a is to be kept',
    ],
  ])('%s', (_rule, scene, reason) => {
    expect(ask(scene).verdict).toEqual({ action: 'wait', reason });
  });

  it('or refuses, as the configuration says, when only pins and protections are in the way', () => {
    const scene = (whenProtected: 'queue' | 'refuse'): Scene => ({
      target: 't',
      models: { t: { size: 20 }, a: { size: 12, view: pinned(NOW + 100 * MINUTE) }, b: { size: 4 } },
      view: { whenProtected },
    });
    const reason = '20 GiB on gpu0 are needed and 8 GiB are free, but a is pinned by alice for another 1 h 40 min';
    expect(ask(scene('queue')).verdict).toEqual({ action: 'wait', on: 'pin', reason });
    expect(ask(scene('refuse')).verdict).toEqual({ action: 'reject', status: 503, retryAfterSec: 6_000, reason });
  });

  it('names, of several pins, the one that ends first', () => {
    const { verdict } = ask({
      target: 't',
      models: {
        t: { size: 12 },
        a: { size: 12, view: pinned(NOW + 60 * MINUTE) },
        b: { size: 12, view: pinned(NOW + 5 * MINUTE) },
      },
    });
    expect(verdict.reason).toContain('b is pinned by alice for another 5 min');
    expect(verdict.reason).not.toContain('a is pinned');
  });
});

describe('what can never fit', () => {
  it.each<[string, Scene, string]>([
    [
      'on its device',
      { target: 't', models: { t: { size: { gpu0: 30 } } } },
      't needs 30 GiB on gpu0, which has 24 GiB',
    ],
    ['anywhere', { target: 't', models: { t: { size: 30 } } }, 't needs 30 GiB on gpu0, which has 24 GiB'],
    [
      'on all devices together',
      { target: 't', devices: { gpu0: 24, gpu1: 24, ram: 64 }, models: { t: { size: 60 } } },
      't needs 60 GiB, and gpu0 and gpu1 together have 48 GiB',
    ],
    [
      'on two devices',
      { target: 't', devices: { gpu0: 24, ram: 64 }, models: { t: { size: { gpu0: 30, ram: 80.5 } } } },
      't needs 30 GiB on gpu0, which has 24 GiB and 80.5 GiB on ram, which has 64 GiB',
    ],
  ])('%s is refused at once with the sum, and not worth trying again', (_where, scene, reason) => {
    expect(ask(scene).verdict).toEqual({ action: 'reject', status: 503, reason });
  });

  it('is never said of a learned size: it is loaded alone', () => {
    const scene: Scene = {
      target: 't',
      devices: { gpu0: 24, gpu1: 24 },
      models: {
        t: { size: { gpu0: 30 }, declared: null, phase: 'ready', view: { stale: true } },
        a: { size: { gpu1: 1 } },
      },
    };
    expect(evicted(scene)).toEqual(['a']);
  });
});

describe('what the budget planner says', () => {
  const scene: Scene = {
    target: 'large',
    models: {
      large: { size: 12 },
      small: { size: 8, idleMin: 4, askedAgoMin: [4], loadSec: 20 },
      medium: { size: 12, idleMin: 1, askedAgoMin: [1, 2, 3], loadSec: 40 },
    },
  };

  it('is one sentence with sizes, and the alternatives with their cost', () => {
    expect(ask(scene).verdict).toEqual({
      action: 'swap',
      evict: ['small'],
      reason:
        '12 GiB on gpu0 are needed and 4 GiB are free: small leaves (idle 4 min, about 20 s to load again, last asked 4 min ago)',
      alternatives: [
        {
          evict: ['medium'],
          costMs: 17_993,
          reason: 'medium leaves (idle 1 min, about 40 s to load again, last asked 1 min ago)',
        },
      ],
    });
  });

  it('does not change with time while the swap waits for a busy model: each change is an event', () => {
    const at = (minutes: number): Scene => ({
      target: 't',
      models: {
        t: { size: 24 },
        a: { size: 12, idleMin: minutes, askedAgoMin: [minutes] },
        b: { size: 12, view: { ...busy, inFlight: minutes } },
      },
    });
    expect(ask(at(1)).verdict.reason).toBe(
      '24 GiB on gpu0 are needed and 0 bytes are free: a (idle, about 30 s to load again) and b (busy, about 30 s to load again) leave',
    );
    expect(ask(at(9)).verdict.reason).toBe(ask(at(1)).verdict.reason);
  });

  it.each<[string, Scene, string]>([
    [
      'nothing is in the way',
      { target: 't', models: { t: { size: 4 }, a: { size: 4 } } },
      't fits beside what is loaded',
    ],
    ['nothing is there', { target: 't', models: { t: { size: 4 } } }, 'nothing else is loaded'],
    [
      'the size is not known',
      { target: 't', models: { t: { size: null }, a: { size: 4, askedAgoMin: [2] } } },
      'how much t takes is not known yet, so it gets everything: a leaves (idle 10 min, about 30 s to load again, last asked 2 min ago)',
    ],
    [
      'the size of another is not known',
      { target: 't', models: { t: { size: 1 }, a: { size: null } } },
      'how much a takes is not known yet: a leaves (idle 10 min, about 30 s to load again, never asked for)',
    ],
    [
      'two devices are short',
      {
        target: 't',
        devices: { gpu0: 24, ram: 64 },
        models: { t: { size: { gpu0: 12, ram: 8 } }, a: { size: { gpu0: 20, ram: 60 } } },
      },
      '12 GiB on gpu0 are needed and 4 GiB are free, and 8 GiB on ram are needed and 4 GiB are free: a leaves (idle 10 min, about 30 s to load again, never asked for)',
    ],
    [
      'a little is missing',
      { target: 't', models: { t: { size: 12.01 }, a: { size: 12.01 } } },
      '12 GiB on gpu0 are needed, 20.5 MiB more than are free: a leaves (idle 10 min, about 30 s to load again, never asked for)',
    ],
    [
      'a device shrank under what is loaded',
      {
        target: 't',
        devices: { gpu0: 24, gpu1: 24 },
        models: { t: { size: { gpu0: 4 } }, a: { size: { gpu1: 26 } } },
      },
      '2 GiB too much of gpu1 is taken: a leaves (idle 10 min, about 30 s to load again, never asked for)',
    ],
  ])('tells when %s', (_when, one, reason) => {
    expect(ask(one).verdict.reason).toBe(reason);
  });

  it('keeps to a few names and to the longest reason, however many leave', () => {
    const models: Scene['models'] = { t: { size: 24 } };
    for (let i = 0; i < 20; i++) models[`a-model-with-quite-a-long-name-${i}`] = { size: 1.2 };
    const { reason } = ask({ target: 't', models }).verdict;
    expect(reason).toMatch(/ and 16 more leave$/);
    expect(reason.length).toBeLessThanOrEqual(LIMITS.reasonCharsMax);
  });
});

describe('candidates', () => {
  it('are the legal evictions, cheapest first, with what they free and what they cost', () => {
    const { candidates } = ask({
      target: 't',
      devices: { gpu0: 36 },
      models: {
        t: { size: 12 },
        a: { size: 12, loadSec: 60 },
        b: { size: 14, loadSec: 30 },
        c: { size: 10, view: busy },
      },
    });
    expect(candidates.map(({ evict, frees, reloadMs }) => ({ evict, frees: frees / GIB, reloadMs }))).toEqual([
      { evict: ['b'], frees: 14, reloadMs: 588 },
      { evict: ['a'], frees: 12, reloadMs: 1_176 },
    ]);
  });

  it('are at most as many as the view holds', () => {
    const models: Scene['models'] = { t: { size: 6 } };
    for (let i = 0; i < 12; i++) models[`m${i}`] = { size: 2, loadSec: 10 + i };
    expect(ask({ target: 't', models }).candidates).toHaveLength(LIMITS.candidatesMax);
  });

  it('hold busy models after all that need none', () => {
    const { candidates } = ask({
      target: 't',
      models: { t: { size: 12 }, a: { size: 12, ...cheap, view: busy }, b: { size: 12, ...dear } },
    });
    expect(candidates.map(({ evict }) => evict)).toEqual([['b'], ['a']]);
  });

  it('are none when only what is held could make room', () => {
    expect(ask({ target: 't', models: { t: { size: 20 }, a: { size: 12, view: pinned() } } }).candidates).toEqual([]);
  });
});
