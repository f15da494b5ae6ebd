import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import { groupPlanner } from '../../src/policies/group.ts';
import { type GroupSpec, settingsFor } from './harness.ts';

const requires = (groups: Record<string, GroupSpec>, target: string, alive: string[]) =>
  groupPlanner(settingsFor({ groups })).requires(modelId(target), alive.map(modelId));

describe('the group planner (spec 4.9)', () => {
  it.each([
    ['a swap group runs one of its members', { g: { members: ['t', 'm'] } }, ['m']],
    ['a group with swap: false runs all of them', { g: { swap: false, members: ['t', 'm'] } }, []],
    ['an exclusive group stops other groups', { g: { members: ['t'] }, h: { members: ['m'] } }, ['m']],
    ['but not a persistent one', { g: { members: ['t'] }, h: { persistent: true, members: ['m'] } }, []],
    [
      'a non-exclusive group stops nobody, even exclusive ones',
      { g: { exclusive: false, members: ['t'] }, h: { members: ['m'] } },
      [],
    ],
    ['persistent does not protect inside its own group', { g: { persistent: true, members: ['t', 'm'] } }, ['m']],
  ] satisfies [string, Record<string, GroupSpec>, string[]][])('%s', (_rule, groups, evicted) => {
    expect(requires(groups, 't', ['m', 't'])).toEqual(evicted);
  });

  it('puts models of no group into (default), which swaps and is exclusive', () => {
    const planner = groupPlanner(settingsFor({ groups: {}, models: { a: {}, b: {} } }));
    expect(planner.requires(modelId('a'), [modelId('b')])).toEqual(['b']);
  });

  it('lets a model that left the configuration yield to an exclusive group', () => {
    expect(requires({ g: { members: ['t'] } }, 't', ['gone'])).toEqual(['gone']);
    expect(requires({ g: { exclusive: false, members: ['t'] } }, 't', ['gone'])).toEqual([]);
  });
});
