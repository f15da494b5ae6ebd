/**
 * Histories of the property tests, with whatever can go wrong: failed starts, crashes, kills of turnout with and without
 * power, reloads, pins, steps of the clock, devices that give memory back late. Played again, each comes out the same.
 */
import { expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { simulate } from '../../src/core/history/simulate/simulate.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { runSeed } from '../simulation/run-seed.ts';
import type { Fault } from '../simulation/tweak.ts';
import { logOf } from './recorded.ts';

const SEEDS = 25;
/** Answers that come late or are nonsense are no planner's that could be asked again; looks that fail leave no trace. */
const NOT_IN_THE_LOG: Fault[] = ['latePlanner', 'silentPlanner', 'nonsense', 'silentDevices', 'sameMoment'];

it.each(['group', 'matrix', 'budget'] as const)(
  'every decision and every figure comes out again, seeds 1 to 25: %s',
  {
    timeout: 180_000,
  },
  async (planner) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { log: stored } = runSeed(seed, { planner, off: NOT_IN_THE_LOG });
      const events = stored.map((text) => JSON.parse(text) as TurnoutEvent);
      const recorded = { name: planner, changes: {}, policy: null, brought: false };
      const simulation = await simulate({
        log: logOf(events),
        slice: { from: 0, to: events.length },
        makeBuiltIn: builtInPlanner,
        contenders: async () => ({ recorded, others: [] }),
      });
      const { figures, sameDecisions, broken } = simulation.replayed;
      expect({ sameDecisions, figures, broken }, `seed ${seed}`).toEqual({
        sameDecisions: true,
        figures: simulation.recorded,
        broken: [],
      });
    }
  },
);
