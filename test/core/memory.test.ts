import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excess, expectedMemory, fits, observedOf, poolOf, reserve, shareOf, totalOf } from '../../src/core/memory.ts';
import type { Memory } from '../../src/core/settings.ts';
import type { ModelState } from '../../src/core/state.ts';

const device = (id: string, bytes: number) => ({ id, bytes });
const one = [device('gpu0', 24)];
const two = [device('gpu0', 24), device('gpu1', 16), device('ram', 64)];

describe('what fits', () => {
  it.each<[string, typeof two, (Memory | null)[], boolean]>([
    ['nothing', one, [], true],
    ['just as much as there is', one, [12, 12], true],
    ['one byte too much', one, [12, 13], false],
    ['a plain size over two devices', two, [40], true],
    ['a plain size beyond both, for ram is no place for it', two, [41], false],
    ['a plain size on ram when there is nothing else', [device('ram', 64)], [60], true],
    ['a size by device, while that device has it', two, [{ gpu1: 16 }], true],
    ['a size by device, beyond what that one has', two, [{ gpu1: 17 }], false],
    ['ram beside a full pool', two, [{ ram: 64 }, 40], true],
    ['ram beyond what there is', two, [{ ram: 64 }, { ram: 1 }], false],
    ['a plain size in what sizes by device leave', two, [{ gpu0: 20 }, { gpu1: 10 }, 10], true],
    ['a plain size in less than sizes by device leave', two, [{ gpu0: 20 }, { gpu1: 10 }, 11], false],
    ['an unknown size alone', two, [null], true],
    ['an unknown size beside nothing at all, which still is somebody', two, [null, 0], false],
    ['two unknown sizes', two, [null, null], false],
    ['a device that is not configured: it has no bound', one, [{ gpu9: 99 }], true],
  ])('%s', (_what, devices, memories, expected) => {
    expect(fits(devices, memories)).toBe(expected);
  });

  it('never depends on the order, and still holds when one leaves or takes less', () => {
    const memory = fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.record({ gpu0: fc.integer({ min: 0, max: 12 }), ram: fc.integer({ min: 0, max: 40 }) }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(memory, { minLength: 1, maxLength: 6 }), (memories) => {
        const all = fits(two, memories);
        expect(fits(two, [...memories].reverse())).toBe(all);
        if (all) for (let i = 0; i < memories.length; i++) expect(fits(two, memories.toSpliced(i, 1))).toBe(true);
      }),
    );
  });
});

describe('the excess', () => {
  it('is what is too many by device, and of the pool where plain sizes lie', () => {
    expect(excess(two, reserve([{ gpu0: 30, ram: 70 }, { gpu1: 4 }]))).toEqual({
      byDevice: { gpu0: 6, ram: 6 },
      pool: 0,
    });
    expect(excess(two, reserve([{ gpu0: 20 }, 25]))).toEqual({ byDevice: {}, pool: 5 });
    expect(excess(two, reserve([{ gpu0: 30 }, 12]))).toEqual({ byDevice: { gpu0: 6 }, pool: 2 });
    expect(excess(two, reserve([40]))).toEqual({ byDevice: {}, pool: 0 });
  });

  it('is nothing exactly when everything fits, as long as all sizes are known', () => {
    const memory = fc.oneof(
      fc.integer({ min: 0, max: 30 }),
      fc.dictionary(fc.constantFrom('gpu0', 'gpu1', 'ram'), fc.integer({ min: 0, max: 30 })),
    );
    fc.assert(
      fc.property(fc.array(memory, { maxLength: 5 }), (memories) => {
        const { byDevice, pool } = excess(two, reserve(memories));
        expect(Object.keys(byDevice).length === 0 && pool === 0).toBe(fits(two, memories));
      }),
    );
  });

  it('goes away by what the shares of those that leave come to', () => {
    const memory = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.record({ gpu0: fc.integer({ min: 0, max: 30 }) }));
    fc.assert(
      fc.property(fc.array(memory, { minLength: 1, maxLength: 5 }), (memories) => {
        const { pool } = excess(two, reserve(memories));
        const [first = 0, ...rest] = memories;
        expect(excess(two, reserve(rest)).pool).toBeLessThanOrEqual(Math.max(0, pool - shareOf(two, first, null)));
      }),
    );
  });
});

describe('the pool', () => {
  it('is every device but ram, or ram when it is the only one', () => {
    expect(poolOf(two).map(({ id }) => id)).toEqual(['gpu0', 'gpu1']);
    expect(poolOf([device('ram', 1)]).map(({ id }) => id)).toEqual(['ram']);
  });

  it('has the share of a size that lies in it', () => {
    expect(shareOf(two, 12, null)).toBe(12);
    expect(shareOf(two, 12, 'gpu0')).toBe(0);
    expect(shareOf(two, { gpu0: 4, gpu1: 5, ram: 6 }, null)).toBe(9);
    expect(shareOf(two, { gpu0: 4, ram: 6 }, 'ram')).toBe(6);
    expect(totalOf({ gpu0: 4, ram: 6 })).toBe(10);
  });
});

describe('what was observed', () => {
  it('is the median by device; a device that a sample does not name held nothing then', () => {
    expect(observedOf([])).toBeNull();
    expect(observedOf([{ gpu0: 9 }, { gpu0: 3 }, { gpu0: 5, ram: 1 }])).toEqual({ gpu0: 5, ram: 0 });
    expect(observedOf([{ gpu0: 10 }, { gpu0: 2 }])).toEqual({ gpu0: 10 });
  });
});

describe('what the next run is expected to take', () => {
  const model = (memory: Memory | null, ...memorySamples: Record<string, number>[]) =>
    ({ settings: { memory }, memorySamples }) as unknown as ModelState;

  it.each<[string, ModelState, Memory | null]>([
    ['nothing is known', model(null), null],
    ['what is declared, before anything was seen', model(12), 12],
    ['what was seen, where nothing is declared', model(null, { gpu0: 9 }), { gpu0: 9 }],
    ['what is declared, where less was seen', model(12, { gpu0: 9 }), 12],
    ['what was seen, where that is more', model(12, { gpu0: 15 }), { gpu0: 15 }],
    ['never more of a device than it has', model(null, { gpu0: 30, gpu1: 3 }), { gpu0: 24, gpu1: 3 }],
    ['nothing on devices that are not configured', model(null, { gpu0: 9, gpu7: 5 }), { gpu0: 9 }],
    ['the larger by device', model({ gpu0: 12, ram: 2 }, { gpu0: 9, ram: 5 }), { gpu0: 12, ram: 5 }],
    [
      'more than a device has, if that is what is declared: it is refused',
      model({ gpu0: 30 }, { gpu0: 9 }),
      { gpu0: 30 },
    ],
    ['ram that was seen, beside what is declared for the pool', model(12, { gpu0: 9, ram: 5 }), { gpu0: 12, ram: 5 }],
    [
      'the rest of what is declared where most was seen, then on the next device',
      model(38, { gpu0: 9, gpu1: 10, ram: 5 }),
      { gpu0: 22, gpu1: 16, ram: 5 },
    ],
    ['a plain size beyond the pool, if that is what is declared', model(50, { gpu0: 9, ram: 5 }), 50],
  ])('%s', (_what, one, expected) => {
    expect(expectedMemory(two, one)).toEqual(expected);
  });

  it('fits alone, unless more is declared than there is', () => {
    const bytes = fc.integer({ min: 0, max: 100 });
    const sizes = fc.dictionary(fc.constantFrom('gpu0', 'gpu1', 'ram', 'gpu7'), bytes);
    const declared = fc.oneof(fc.constant(null), bytes, sizes);
    fc.assert(
      fc.property(declared, fc.array(sizes, { maxLength: 5 }), (memory, samples) => {
        const expected = expectedMemory(two, model(memory, ...samples));
        if (fits(two, [memory])) expect(fits(two, [expected])).toBe(true);
        if (expected === null || memory === null) return;
        expect(shareOf(two, expected, null)).toBeGreaterThanOrEqual(shareOf(two, memory, null));
      }),
    );
  });
});
