import { describe, expect, it } from 'vitest';
import { runSeed } from './run-seed.ts';

const SEEDS = 200;

describe('the simulation', () => {
  it(`holds every invariant after every step, for ${SEEDS} seeds`, { timeout: 300_000 }, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, log } = runSeed(seed);
      const again = `again: npm run simulation -- --seed ${seed} --trace`;
      expect(violations, `seed ${seed}; ${again}\n${log.slice(-10).join('\n')}`).toEqual([]);
    }
  });

  it('gives the same log for the same seed', () => {
    for (const seed of [3, 14, 159]) expect(runSeed(seed).log).toEqual(runSeed(seed).log);
  });
});
