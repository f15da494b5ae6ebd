/** Simulations of logs of which the outcome is known, and of hours that the real loop recorded. */
import { describe, expect, it } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import type { Changes, Contender } from '../../src/core/history/simulate/contender.ts';
import { type Simulation, simulate } from '../../src/core/history/simulate/simulate.ts';
import type { BuiltInName } from '../../src/core/settings.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { kernel, settingsFor } from '../core/harness.ts';
import { type Hour, logOf, recordHour } from './recorded.ts';
import { twoModels } from './story.ts';

const GIB = 1024 ** 3;

const contender = (name: string, changes: Changes): Contender => ({ name, changes, policy: null, brought: false });

async function run(
  events: TurnoutEvent[],
  others: Contender[] = [],
  slice: { from?: number; to?: number } = {},
): Promise<Simulation> {
  return simulate({
    log: logOf(events),
    slice: { from: slice.from ?? 0, to: slice.to ?? events.length },
    makeBuiltIn: builtInPlanner,
    contenders: async () => ({ recorded: contender('recorded', {}), others }),
  });
}

describe('a log of three requests for two models of one group', () => {
  const budget = contender('budget', { planner: 'budget' });
  const small = contender('small', { planner: 'budget', devices: { gpu0: 12 * GIB } });

  it('comes out again as it happened', async () => {
    const { recorded, replayed } = await run(twoModels());
    expect(recorded).toMatchObject({ requests: 3, swaps: 3, loads: 3, loadingMs: 14_000, reloaded: 1, refusals: 0 });
    expect(recorded).toMatchObject({ waitP50Ms: 4_500, waitP95Ms: 6_500, waitMaxMs: 6_500, waitTotalMs: 15_000 });
    expect(replayed).toMatchObject({ sameDecisions: true, figures: recorded, against: [], broken: [] });
  });

  it.each([
    ['both fit on 24 GiB', budget, { swaps: 2, loadingMs: 10_000, waitTotalMs: 10_000, waitMaxMs: 6_000, reloaded: 0 }],
    [
      'they take turns on 12 GiB',
      small,
      { swaps: 3, loadingMs: 14_000, waitTotalMs: 15_000, waitMaxMs: 6_500, reloaded: 1 },
    ],
  ])('under the budget planner: %s', async (_what, one, figures) => {
    const { contenders } = await run(twoModels(), [one]);
    expect(contenders[0]?.figures).toMatchObject(figures);
  });

  it('says about whom they part, with both reasons', async () => {
    const { contenders } = await run(twoModels(), [budget]);
    const told = contenders[0]?.partings.map(({ request, target, ours, theirs }) => {
      return [request, target, ours?.verdict.reason, theirs?.verdict.reason ?? null];
    });
    expect(told).toEqual([
      ['r2', 'b', 'group g runs one model at a time, so a must leave', 'b fits beside what is loaded'],
      ['r3', 'a', 'group g runs one model at a time, so b must leave', null],
    ]);
  });

  it.each([
    ['the group law', contender('other', {}), 5_000],
    ['the budget law on 24 GiB', budget, 4_000],
    ['the budget law on 12 GiB', small, 5_000],
  ])('has an exact lower bound under %s', async (_law, one, waitMs) => {
    const { bounds } = await run(twoModels(), [one]);
    expect(bounds.at(-1)?.bound).toMatchObject({ waitMs, exact: true, requests: 3, of: 3 });
  });

  it('goes on with what was under way where a slice begins: a load, a stop, a request that is served', async () => {
    const events = twoModels();
    for (let from = 1; from < events.length - 1; from++) {
      const { recorded, replayed } = await run(events, [], { from });
      expect(replayed, `from ${from}`).toMatchObject({ sameDecisions: true, figures: recorded });
    }
  });

  it('ends where it is told to, with those who wait then', async () => {
    const events = twoModels();
    const to = events.findLastIndex(({ type }) => type === 'process.starting') + 1;
    const { recorded, replayed } = await run(events, [], { to });
    expect(recorded).toMatchObject({ requests: 3, open: 1 });
    expect(replayed.figures).toEqual(recorded);
  });
});

describe('clients', () => {
  it('leave when they had enough, and are served where that comes earlier', async () => {
    const k = kernel({
      groups: { g: { members: ['a', 'b'] } },
      settings: { devices: [{ id: 'gpu0', bytes: 24 }] },
      models: { a: { memory: 8 }, b: { memory: 8 } },
    });
    k.boot();
    const served = k.serve('a');
    k.pass(1_000);
    const leaves = k.request('b');
    k.pass(9_000);
    k.leave(leaves);
    k.pass(1_000);
    k.finish(served);
    const { recorded, contenders } = await run(k.events, [contender('budget', { planner: 'budget' })]);
    expect(recorded).toMatchObject({ left: 1, waitTotalMs: 9_000 });
    // nobody saw b loading: it takes what others take, which is no time here
    expect(contenders[0]).toMatchObject({ figures: { left: 0, waitTotalMs: 0 }, guesses: { neverLoaded: ['b'] } });
  });
});

describe('a recorded hour', () => {
  const models = { a: { memory: 8 }, b: { memory: 8, ttlMs: 20_000 }, c: { memory: 12 }, d: { memory: 20 } };
  const hour = (planner: BuiltInName, more: Partial<Hour> = {}) => {
    const devices = [{ id: 'gpu0', bytes: 24 }];
    const settings = settingsFor({
      groups: { g: { members: Object.keys(models) } },
      models,
      settings: { planner, fallback: planner, devices, antiThrash: true },
    });
    return recordHour({ settings, ...more });
  };
  const troubled = { faults: 0.1, leaves: 0.2, operator: 20 };

  it.each(['group', 'budget'] as const)(
    'comes out again, decision by decision and to the millisecond: %s',
    async (planner) => {
      for (const seed of [1, 2, 3]) {
        for (const more of [{}, troubled]) {
          const events = hour(planner, { seed, ...more });
          for (const from of [0, Math.floor(events.length * 0.4)]) {
            const { recorded, replayed } = await run(events, [], { from });
            expect(recorded.decisions, `seed ${seed}`).toBeGreaterThan(50);
            expect(replayed, `seed ${seed} from ${from}`).toMatchObject({
              sameDecisions: true,
              figures: recorded,
              against: [],
            });
          }
        }
      }
    },
  );

  it('comes out otherwise with other memory, and nobody waits less in all than the bound says', async () => {
    const devices = { gpu0: 48 };
    const others = [contender('budget', { planner: 'budget' }), contender('more', { planner: 'budget', devices })];
    const { recorded, replayed, contenders, bounds } = await run(hour('group'), others);
    const waits = contenders.map(({ figures }) => figures.waitTotalMs);
    expect(waits[0]).toBeLessThan(recorded.waitTotalMs);
    expect(waits[1]).toBeLessThan(waits[0] as number);
    expect(bounds.map(({ names }) => names)).toEqual([['recorded'], ['budget'], ['more']]);
    for (const [n, total] of [replayed.figures.waitTotalMs, ...waits].entries()) {
      expect(bounds[n]?.bound).toMatchObject({ exact: false });
      expect(bounds[n]?.bound?.waitMs).toBeLessThanOrEqual(total);
    }
    expect(bounds[0]?.bound?.waitMs).toBeGreaterThan(0);
  });

  it('comes out the same each time', async () => {
    const events = hour('group', { seed: 5, ...troubled });
    const others = [contender('budget', { planner: 'budget' })];
    const [one, two] = [await run(events, others), await run(events, others)];
    expect(JSON.stringify(one.contenders)).toBe(JSON.stringify(two.contenders));
  });
});

describe('a slice with nothing to play', () => {
  it('is refused in words', async () => {
    const k = kernel();
    k.boot();
    await expect(run(k.events)).rejects.toThrow('expected requests of clients in it, got 2 events without any');
    await expect(run(twoModels(), [], { from: 5, to: 5 })).rejects.toThrow('expected events in it, got none');
  });
});
