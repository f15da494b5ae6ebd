/** The group planner: what it answers to a view, and what becomes of requests (spec 4.9; llama-swap's tests of its groups). */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { NO_HINTS } from '../../src/core/plan.ts';
import { groupPlanner } from '../../src/policies/group.ts';
import { type GroupSpec, kernel, settingsFor } from '../core/harness.ts';
import { type Scene, viewOf } from './matrix-scene.ts';

type Groups = Record<string, GroupSpec>;

const PAIR: Groups = { g: { members: ['a', 'b', 'c'] } };

function ask(groups: Groups, scene: Scene, protect: string[] = []) {
  const planner = groupPlanner(settingsFor({ groups }));
  const hints = { ...NO_HINTS, protect: protect.map(modelId) };
  const view = viewOf({ ...scene, groups });
  const candidates = planner.candidates(view, hints);
  return { candidates, verdict: planner.plan({ ...view, candidates }, hints) };
}

describe('the group planner', () => {
  it.each([
    ['nothing runs', PAIR, [], [], 'nothing stands in the way of a'],
    ['its group swaps', PAIR, ['b'], ['b'], 'group g runs one model at a time, so b must leave'],
    [
      'its group is exclusive',
      { g: { members: ['a'] }, h: { members: ['b'] }, i: { members: ['c'] } },
      ['b', 'c'],
      ['b', 'c'],
      'group g is exclusive, so b and c must leave',
    ],
    [
      'both',
      { g: { members: ['a', 'b'] }, h: { members: ['c'] } },
      ['b', 'c'],
      ['b', 'c'],
      'group g runs one model at a time, so b must leave; group g is exclusive, so c must leave',
    ],
  ] satisfies [string, Groups, string[], string[], string][])(
    'says in one sentence why models leave: %s',
    (_when, groups, alive, evict, reason) => {
      const { candidates, verdict } = ask(groups, { target: 'a', alive });
      expect(verdict).toEqual({ action: 'swap', evict, reason });
      expect(candidates).toMatchObject([{ evict, frees: 0, reason }]);
    },
  );

  it('evicts what was loaded beside a target that is ready already (spec 4.9)', () => {
    expect(groupPlanner(settingsFor({ groups: PAIR })).evictsWhenReady).toBe(true);
    const groups: Groups = { g: { members: ['a'] }, h: { exclusive: false, members: ['b'] } };
    expect(ask(groups, { target: 'a', alive: ['a', 'b'] }).verdict).toMatchObject({ evict: ['b'] });
  });

  it.each([
    ['evicts the target', { target: 'b', evict: ['a'] }, ['a']],
    ['loads what would have to leave', { target: 'b', evict: [] }, []],
    ['evicts what would have to leave', { target: 'b', evict: ['c'] }, ['c']],
  ])('waits for a swap that %s', (_which, swap, alive) => {
    expect(ask(PAIR, { target: 'a', alive, swaps: [swap] })).toEqual({
      candidates: [],
      verdict: { action: 'wait', reason: 'the swap to b comes first' },
    });
  });

  it('waits for a swap whose target would evict this one', () => {
    const groups: Groups = { g: { exclusive: false, members: ['a'] }, h: { members: ['b'] } };
    expect(ask(groups, { target: 'a', swaps: [{ target: 'b', evict: [] }] }).verdict).toEqual({
      action: 'wait',
      reason: 'the swap to b comes first',
    });
  });

  it.each([
    ['pinned', { pinned: { owner: 'anna', until: null } }, /b is pinned by anna/],
    ['protected', { protected: true }, /b is protected by the configuration/],
  ])('has nothing to offer when a %s model would have to leave', (_why, b, reason) => {
    const { candidates, verdict } = ask(PAIR, { target: 'a', alive: { b } });
    expect(candidates).toEqual([]);
    expect(verdict).toEqual({ action: 'wait', on: 'pin', reason: expect.stringMatching(reason) });
    const refused = ask(PAIR, { target: 'a', alive: { b }, view: { whenProtected: 'refuse' } });
    expect(refused.verdict).toEqual({ action: 'reject', status: 503, reason: expect.stringMatching(reason) });
  });

  it('refuses for a pin even while a swap loads the pinned model', () => {
    const alive = { b: { phase: 'starting' as const, pinned: { owner: 'anna', until: null } } };
    const scene: Scene = { target: 'a', alive, swaps: [{ target: 'b', evict: [] }], view: { whenProtected: 'refuse' } };
    expect(ask(PAIR, scene).verdict).toMatchObject({ action: 'reject', status: 503 });
  });

  it('waits where only whoever delegates keeps the model', () => {
    const { candidates, verdict } = ask(PAIR, { target: 'a', alive: ['b'] }, ['b']);
    expect(candidates).toEqual([]);
    expect(verdict).toEqual({ action: 'wait', reason: expect.stringContaining('b') });
  });

  it('waits for the end of a protected model that is stopping', () => {
    const alive = { b: { phase: 'stopping' as const, protected: true } };
    expect(ask(PAIR, { target: 'a', alive }).verdict).toEqual({ action: 'wait', reason: 'b must be gone first' });
  });

  it('tells what loading again would cost, by what was observed and how likely it is', () => {
    const b = { loadMs: { last: 8_000, median: 10_000 } };
    const seldom = ask(PAIR, { target: 'a', alive: { b } }).candidates[0]?.reloadMs ?? 0;
    const often = ask(PAIR, { target: 'a', alive: { b: { ...b, requestsLastHour: 60, askedAgoMs: [1_000] } } });
    expect(seldom).toBeGreaterThan(0);
    expect(often.candidates[0]?.reloadMs).toBeGreaterThan(seldom);
    expect(often.candidates[0]?.reloadMs).toBeLessThanOrEqual(10_000);
  });
});

describe('requests under groups', () => {
  it('stop the previous model of a group that swaps', () => {
    const k = kernel({ groups: PAIR }).boot();
    k.finish(k.serve('a'));
    const ticket = k.request('b');
    expect(k.phase('a')).toBe('stopping');
    k.exited('a');
    k.ready('b');
    expect([ticket.grant?.granted, k.phase('a')]).toEqual([true, 'stopped']);
    expect(k.check()).toEqual([]);
  });

  it.each([
    ['siblings of a group with swap: false', { g: { swap: false, members: ['a', 'b'] } }],
    ['models of a persistent group', { g: { persistent: true, members: ['a'] }, h: { members: ['b'] } }],
    [
      'an exclusive model when a non-exclusive one is loaded',
      { g: { members: ['a'] }, h: { exclusive: false, members: ['b'] } },
    ],
  ] satisfies [string, Groups][])('leave alone %s', (_which, groups) => {
    const k = kernel({ groups }).boot();
    k.finish(k.serve('a'));
    k.finish(k.serve('b'));
    expect([k.phase('a'), k.phase('b')]).toEqual(['ready', 'ready']);
    expect(k.all('process.stopping')).toEqual([]);
    expect(k.check()).toEqual([]);
  });

  it('for an exclusive group stop the models of other groups', () => {
    const groups: Groups = { g: { members: ['a'] }, h: { exclusive: false, members: ['b'] } };
    const k = kernel({ groups }).boot();
    k.finish(k.serve('b'));
    k.request('a');
    expect(k.phase('b')).toBe('stopping');
  });

  it('load models of two groups that are not exclusive at the same time', () => {
    const groups: Groups = { g: { exclusive: false, members: ['a'] }, h: { exclusive: false, members: ['b'] } };
    const k = kernel({ groups }).boot();
    k.request('a');
    k.request('b');
    expect([k.phase('a'), k.phase('b')]).toEqual(['starting', 'starting']);
    expect(k.all('process.stopping')).toEqual([]);
  });

  it('queue behind a swap of their group even before its process starts', () => {
    const k = kernel({ groups: PAIR }).boot();
    k.finish(k.serve('c'));
    k.request('a');
    expect([k.phase('c'), k.phase('a')]).toEqual(['stopping', 'stopped']);
    const second = k.request('b');
    k.exited('c');
    expect([k.phase('a'), k.phase('b')]).toEqual(['starting', 'stopped']);
    expect(second.grant).toBeNull();
    expect(k.all('target.blocked').at(-1)?.data.reason).toBe('the swap to a comes first');
    expect(k.check()).toEqual([]);
  });

  it('for a model that is ready evict what was loaded beside it, once that is idle (spec 4.9)', () => {
    const groups: Groups = { g: { members: ['a'] }, h: { exclusive: false, members: ['b'] } };
    const k = kernel({ groups }).boot();
    k.finish(k.serve('a'));
    const busy = k.serve('b');
    const again = k.request('a');
    expect([k.phase('b'), again.grant]).toEqual(['ready', null]);
    k.finish(busy);
    expect(k.phase('b')).toBe('stopping');
    k.exited('b');
    expect(again.grant).toMatchObject({ granted: true });
    expect(k.check()).toEqual([]);
  });
});
