import { describe, expect, it } from 'vitest';
import type { ModelView } from '../../src/core/view.ts';
import { ask, type Scene } from './budget-view.ts';

const evicted = (scene: Scene) => {
  const { verdict } = ask(scene);
  return verdict.action === 'swap' ? verdict.evict : verdict;
};
const busy: Partial<ModelView> = { evictable: { rule: 'busy' }, inFlight: 1, idleMs: 0 };
const pinned = (until: number | null = null): Partial<ModelView> => ({
  pinned: { owner: 'alice', until },
  evictable: { rule: 'pinned' },
});
const shielded: Partial<ModelView> = { protected: true, evictable: { rule: 'protected' } };
/** Loaded in 20 s and asked for a minute ago: dear. */
const dear = { loadSec: 20, askedAgoMin: [1], perHour: 30 };
/** Loaded in 10 s and not asked for in an hour: cheap. */
const cheap = { loadSec: 10, askedAgoMin: [61] };

describe('the budget planner evicts', () => {
  it.each<[string, Scene, string[]]>([
    ['nobody when the target fits', { target: 't', models: { t: { size: 12 }, a: { size: 12 } } }, []],
    [
      'nobody when nothing is loaded',
      { target: 't', models: { t: { size: 24 }, a: { size: 24, phase: 'stopped' } } },
      [],
    ],
    [
      'an idle model rather than a busy one, even if that is cheaper',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap, view: busy } } },
      ['a'],
    ],
    [
      'a busy one when the idle ones do not suffice: the kernel waits for it',
      { target: 't', models: { t: { size: 20 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap, view: busy } } },
      ['a', 'b'],
    ],
    [
      'the model that is loaded again fastest, when all are as likely to be asked for',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, loadSec: 40 }, b: { size: 12, loadSec: 10 } } },
      ['b'],
    ],
    [
      'the model that is less likely to be asked for, when all load as fast',
      {
        target: 't',
        models: { t: { size: 12 }, a: { size: 12, askedAgoMin: [1] }, b: { size: 12, askedAgoMin: [30] } },
      },
      ['b'],
    ],
    [
      'a model without a prompt cache rather than one whose cache takes a while to read again',
      {
        target: 't',
        models: {
          t: { size: 12 },
          a: { size: 12, loadSec: 10, view: { cachedTokens: 90_000, prefillPerSecond: 1_000 } },
          b: { size: 12, loadSec: 20, view: { cachedTokens: 0, prefillPerSecond: 1_000 } },
        },
      },
      ['b'],
    ],
    [
      'one model of 10 s rather than two of 10 s, and two cheap ones rather than a dear one',
      {
        target: 't',
        devices: { gpu0: 36 },
        models: {
          t: { size: 12 },
          a: { size: 12, loadSec: 40 },
          b: { size: 6, loadSec: 10 },
          c: { size: 6, loadSec: 10 },
          d: { size: 12, ...dear },
        },
      },
      ['b', 'c'],
    ],
    [
      'the fewest, when the cost is the same',
      {
        target: 't',
        devices: { gpu0: 24 },
        models: {
          t: { size: 12 },
          a: { size: 6, loadSec: 10 },
          b: { size: 6, loadSec: 10 },
          c: { size: 12, loadSec: 20 },
        },
      },
      ['c'],
    ],
    [
      'what frees least beyond the need, when cost and number are the same',
      {
        target: 't',
        devices: { gpu0: 30 },
        models: { t: { size: 8 }, a: { size: 16, idleMin: 50 }, b: { size: 9, idleMin: 1 } },
      },
      ['b'],
    ],
    [
      'the least recently used, when all else is the same',
      {
        target: 't',
        devices: { gpu0: 36 },
        models: {
          t: { size: 12 },
          a: { size: 12, idleMin: 5 },
          b: { size: 12, idleMin: 50 },
          c: { size: 12, idleMin: 20 },
        },
      },
      ['b'],
    ],
    [
      'only what holds the device that is short',
      {
        target: 't',
        devices: { gpu0: 24, gpu1: 24 },
        models: { t: { size: { gpu1: 20 } }, a: { size: { gpu0: 20 }, ...cheap }, b: { size: { gpu1: 20 }, ...dear } },
      },
      ['b'],
    ],
    [
      'what makes room on every device that is short',
      {
        target: 't',
        devices: { gpu0: 24, ram: 64 },
        models: {
          t: { size: { gpu0: 12, ram: 40 } },
          a: { size: { gpu0: 20 } },
          b: { size: { ram: 40 } },
          c: { size: { ram: 1 } },
        },
      },
      ['a', 'b'],
    ],
    [
      'by the sum of all devices but ram for sizes that name no device',
      {
        target: 't',
        devices: { gpu0: 24, gpu1: 24, ram: 64 },
        models: {
          t: { size: 20 },
          a: { size: 20, ...dear },
          b: { size: { gpu1: 16 }, ...cheap },
          c: { size: { ram: 60 } },
        },
      },
      ['b'],
    ],
    [
      'everything for a model whose size is not known',
      { target: 't', devices: { gpu0: 96 }, models: { t: { size: null }, a: { size: 1 }, b: { size: { ram: 1 } } } },
      ['a', 'b'],
    ],
    [
      'a model whose size is not known, whoever else may stay',
      {
        target: 't',
        devices: { gpu0: 96 },
        models: { t: { size: 1 }, a: { size: null, ...dear }, b: { size: 1, ...cheap } },
      },
      ['a'],
    ],
    [
      'no model that could stay: not a, once b has to leave anyway',
      {
        target: 't',
        devices: { gpu0: 24 },
        models: { t: { size: 20 }, a: { size: 4, ...cheap }, b: { size: 20, ...dear } },
      },
      ['b'],
    ],
    [
      'first what the policy prefers, although it is dearer',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap } }, prefer: ['a'] },
      ['a'],
    ],
    [
      'never what the policy protects, although it is cheaper',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap } }, protect: ['b'] },
      ['a'],
    ],
    [
      'never what is pinned',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap, view: pinned() } } },
      ['a'],
    ],
    [
      'never what the configuration protects',
      { target: 't', models: { t: { size: 12 }, a: { size: 12, ...dear }, b: { size: 12, ...cheap, view: shielded } } },
      ['a'],
    ],
    [
      'a run of an older configuration first: it ends anyway',
      {
        target: 't',
        models: { t: { size: 12 }, a: { size: 12, ...cheap }, b: { size: 12, ...dear, view: { stale: true } } },
      },
      ['b'],
    ],
    [
      'what is stopping already together with what is needed besides',
      { target: 't', models: { t: { size: 24 }, a: { size: 12, phase: 'stopping' }, b: { size: 12 } } },
      ['a', 'b'],
    ],
    [
      'another model than the ones that a committed drain is for',
      {
        target: 't',
        devices: { gpu0: 48 },
        models: {
          t: { size: 12 },
          x: { size: 40, phase: 'stopped' },
          a: { size: 12, ...cheap },
          b: { size: 12, ...dear },
          c: { size: 24, view: busy },
        },
        view: { draining: { target: 'x', evict: ['a', 'c'] } as never },
      },
      ['b'],
    ],
  ])('%s', (_rule, scene, evict) => {
    expect(evicted(scene)).toEqual(evict);
  });

  it('rather a model whose TTL is about to end than one that would stay, but not if it is kept warm', () => {
    const scene = (keepWarm: { days: number[]; fromMin: number; toMin: number }[]): Scene => ({
      target: 't',
      models: {
        t: { size: 12 },
        a: { size: 12, idleMin: 5, askedAgoMin: [5], ttlMin: 6, settings: { keepWarm } },
        b: { size: 12, idleMin: 6, askedAgoMin: [6] },
      },
    });
    expect(evicted(scene([]))).toEqual(['a']);
    expect(evicted(scene([{ days: [1], fromMin: 0, toMin: 1_440 }]))).toEqual(['b']);
  });
});
