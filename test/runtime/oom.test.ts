/** When the OOM killer is blamed. */
import { describe, expect, test } from 'vitest';
import { createOomWatch } from '../../src/core/runtime/local/oom.ts';

function watch(first: number | null) {
  const world = { count: first, now: 0 };
  const oom = createOomWatch(
    () => world.count,
    () => world.now,
  );
  return { world, oom };
}

describe('the OOM watch', () => {
  test('says yes when the counter rose a moment ago', () => {
    const { world, oom } = watch(3);
    expect(oom.rose()).toBe(false);
    world.count = 4;
    expect(oom.rose()).toBe(true);
  });

  test('forgets what happened long before', () => {
    const { world, oom } = watch(3);
    world.count = 4;
    for (world.now = 0; world.now <= 120_000; world.now += 1_000) oom.sample();
    expect(oom.rose()).toBe(false);
  });

  test('still knows it when a large process took twenty seconds to be torn down', () => {
    const { world, oom } = watch(0);
    for (; world.now < 90_000; world.now += 1_000) oom.sample();
    world.count = 1;
    for (; world.now < 110_000; world.now += 1_000) oom.sample();
    expect(oom.rose()).toBe(true);
  });

  test('claims nothing where there is no counter', () => {
    const { world, oom } = watch(null);
    world.count = 5;
    expect(oom.rose()).toBe(false);
  });

  test('finds a counter on this machine without failing', () => {
    expect(createOomWatch().rose()).toBe(false);
  });
});
