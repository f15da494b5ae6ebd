/** Random scenes for properties of the budget planner: sizes of every kind, on three devices, held in every way. */
import fc from 'fast-check';
import type { ModelId } from '../../src/core/ids.ts';
import type { ModelView, View } from '../../src/core/view.ts';
import type { ModelSpec, Scene, Sizes } from './budget-view.ts';

const size: fc.Arbitrary<Sizes> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 12 }) },
  {
    weight: 5,
    arbitrary: fc.record({
      gpu0: fc.integer({ min: 0, max: 10 }),
      gpu1: fc.integer({ min: 0, max: 10 }),
      ram: fc.integer({ min: 0, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant(null) },
);

const holds: (Partial<ModelView> | undefined)[] = [
  undefined,
  undefined,
  undefined,
  undefined,
  { evictable: { rule: 'busy' }, inFlight: 1 },
  { evictable: { rule: 'minResidency', until: 1 } },
  { evictable: { rule: 'pinned' }, pinned: { owner: 'x', until: null } },
  { evictable: { rule: 'protected' }, protected: true },
  { evictable: { rule: 'swap' } },
  { stale: true },
];

const model = (): fc.Arbitrary<ModelSpec> =>
  fc.record({
    size,
    phase: fc.constantFrom<ModelView['phase'][]>('ready', 'ready', 'ready', 'starting', 'stopping', 'stopped'),
    idleMin: fc.integer({ min: 0, max: 5 }),
    askedAgoMin: fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 3 }),
    loadSec: fc.constantFrom(10, 10, 20, 40),
    view: fc.constantFrom(...holds).map((view) => view ?? {}),
  });

export const scenes = (sizes: { min: number; max: number }): fc.Arbitrary<Scene> =>
  fc
    .record({
      models: fc.array(model(), { minLength: sizes.min, maxLength: sizes.max }),
      target: size,
      gpu0: fc.integer({ min: 1, max: 40 }),
      gpu1: fc.integer({ min: 1, max: 20 }),
      ram: fc.integer({ min: 1, max: 60 }),
      protect: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 1 }),
      prefer: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 1 }),
      drained: fc.boolean(),
    })
    .map(({ models, target, gpu0, gpu1, ram, protect, prefer, drained }) => {
      const named = Object.fromEntries(models.map((spec, i): [string, ModelSpec] => [`m${i}`, spec]));
      const known = (places: number[]) => places.filter((i) => i < models.length).map((i) => `m${i}`);
      return {
        target: 't',
        devices: { gpu0, gpu1, ram },
        models: { ...named, t: { size: target, declared: null } },
        protect: known(protect),
        prefer: known(prefer),
        view: drained && models.length > 1 ? { draining: { target: 'm0', evict: ['m1'] } as never } : {},
      };
    });

export const idsOf = (view: View) =>
  view.models.filter((one) => one.phase !== 'stopped' && one.id !== 't').map(({ id }) => id);
export const byId = (view: View, id: ModelId) => view.models.find((one) => one.id === id) as ModelView;
