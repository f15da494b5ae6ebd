/** 2,000 seeds for each planner, in files of their own, so that they run side by side. */
import { expect, it } from 'vitest';
import type { BuiltInName } from '../../src/core/settings.ts';
import { failureReport } from './report.ts';
import { runSeed } from './run-seed.ts';

const SEEDS = 2_000;

export function testPlanner(planner: BuiltInName): void {
  it(`every invariant holds after every step, ${planner} planner, seeds 1 to ${SEEDS}`, { timeout: 600_000 }, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      if (runSeed(seed, { planner }).violations.length > 0) expect.fail(failureReport(seed, { planner }));
    }
  });
}
