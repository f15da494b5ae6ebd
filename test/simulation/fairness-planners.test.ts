/** The bound on waiting, maxWait + (K+1) x (drain + stop + load), on random closed loops under each planner. */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import type { BuiltInName, MatrixSettings } from '../../src/core/settings.ts';
import { type Random, seededRandom } from '../../src/core/simulation/random.ts';
import { settingsFor } from '../core/harness.ts';
import { runLoops, SECOND } from './closed-loop.ts';

const SEEDS = 8;
const STOP_MS = 10 * SECOND;

const IDS = ['a', 'b', 'c', 'd', 'e'];

function matrixOf(random: Random): MatrixSettings {
  const sets = [1, 2, 3].map((n) => {
    const parts = IDS.filter(() => random.chance(0.4)).map((id) => ({ kind: 'model' as const, id: modelId(id) }));
    const alone = { kind: 'model' as const, id: modelId(random.pick(IDS)) };
    return { name: `s${n}`, text: '', expression: { kind: 'and' as const, parts: [...parts, alone] } };
  });
  return { sets, evictCosts: {} };
}

function measure(planner: BuiltInName, antiThrash: boolean, seed: number) {
  const random = seededRandom(seed);
  const maxWaitMs = random.pick([30, 60, 120]) * SECOND;
  const serviceMs = random.pick([2, 10, 30]) * SECOND;
  const loads = IDS.map((id) => [id, random.int(2, 40) * SECOND] as const);
  const groups = {
    g: { members: IDS.slice(0, 3), swap: true },
    h: { members: IDS.slice(3), exclusive: random.chance(0.5) },
  };
  const measured = runLoops({
    settings: settingsFor({
      groups,
      models: Object.fromEntries(IDS.map((id) => [id, { memory: random.int(4, 24) }])),
      settings: {
        planner,
        fallback: planner,
        matrix: matrixOf(random),
        devices: [{ id: 'gpu0', bytes: 24 }],
        antiThrash,
        maxWaitMs,
      },
    }),
    loadMsOf: Object.fromEntries(loads),
    clients: Object.fromEntries(IDS.map((id) => [id, random.int(1, 3)])),
    serviceMs,
    hours: 1,
  });
  const loadMs = Math.max(...loads.map(([, ms]) => ms));
  const bound = maxWaitMs + IDS.length * (serviceMs + STOP_MS + loadMs);
  return { measured, bound, longest: Math.max(...Object.values(measured.longestMs)) };
}

describe.each(['group', 'matrix', 'budget'] as const)('under the %s planner', (planner) => {
  it.each([true, false])('nobody waits beyond the bound (anti-thrash: %s)', { timeout: 240_000 }, (antiThrash) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { measured, bound, longest } = measure(planner, antiThrash, seed);
      expect(measured.violations, `seed ${seed}`).toEqual([]);
      expect(longest, `longest wait of seed ${seed}`).toBeLessThan(bound);
      for (const id of IDS) expect(measured.served[id] ?? 0, `${id} of seed ${seed}`).toBeGreaterThan(0);
    }
  });
});
