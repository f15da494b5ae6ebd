/** A share of the seeds; the shares are files of their own, so that they run side by side. */
import { expect, it } from 'vitest';
import { failureReport } from './report.ts';
import { runSeed } from './run-seed.ts';

export const SEEDS = 2_400;
const SHARES = 4;

export function testShare(share: number): void {
  const count = SEEDS / SHARES;
  const from = 1 + share * count;
  it(`every invariant holds after every step, seeds ${from} to ${from + count - 1}`, { timeout: 600_000 }, () => {
    for (let seed = from; seed < from + count; seed++) {
      if (runSeed(seed).violations.length > 0) expect.fail(failureReport(seed));
    }
  });
}
