import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byId, idsOf, scenes } from './budget-scenes.ts';
import { inBytes, stage } from './budget-view.ts';

describe('requires', () => {
  const settled = scenes({ min: 1, max: 8 });

  it('names nobody exactly when the target and all that is alive fit together', () => {
    fc.assert(
      fc.property(settled, (scene) => {
        const { planner, view } = stage(scene);
        const alive = idsOf(view);
        const all = [...alive, view.target].map((id) => byId(view, id).memory.counts);
        const onto = (device: string) =>
          all.reduce<number>((sum, one) => sum + (one === null || typeof one === 'number' ? 0 : (one[device] ?? 0)), 0);
        const plain = all.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0);
        const room = inBytes(scene.devices as Record<string, number>) as Record<string, number>;
        const left = (device: string) => (room[device] ?? 0) - onto(device);
        const fits =
          (!all.includes(null) || all.length === 1) &&
          ['gpu0', 'gpu1', 'ram'].every((device) => left(device) >= 0) &&
          plain <= left('gpu0') + left('gpu1');
        expect(planner.requires(view.target, alive).length === 0).toBe(fits || alive.length === 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names some of those that are alive, and without them the target fits', () => {
    fc.assert(
      fc.property(settled, (scene) => {
        const { planner, view } = stage(scene);
        const alive = idsOf(view);
        const named = planner.requires(view.target, [...alive, view.target]);
        expect(named.filter((id) => !alive.includes(id))).toEqual([]);
        const rest = alive.filter((id) => !named.includes(id));
        expect(planner.requires(view.target, rest)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('never needs more room when less is alive', () => {
    fc.assert(
      fc.property(settled, fc.integer({ min: 0, max: 255 }), (scene, bits) => {
        const { planner, view } = stage(scene);
        const alive = idsOf(view);
        const fewer = alive.filter((_id, i) => (bits >> i) & 1);
        if (planner.requires(view.target, alive).length === 0) {
          expect(planner.requires(view.target, fewer)).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
