/** Each example as the live policy over the real loop, under each fallback: nothing breaks, and everybody is served. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/core/config/canonical.ts';
import type { BuiltInName } from '../../src/core/settings.ts';
import type { Policy } from '../../src/policies/policy.ts';
import { EXAMPLES, moduleOf } from './examples.ts';
import { livePolicy } from './live.ts';
import { type Day, spendTheDay } from './office.ts';
import { CLIENTS, MINUTE, SECOND, START } from './office-people.ts';

const SEEDS = [1, 2];
const FALLBACKS = ['group', 'matrix', 'budget'] as const;
/** maxWait, and for each of the four models: an answer, a stop and a load. */
const LONGEST_MS = 90 * SECOND + 4 * (15 + 10 + 20) * SECOND;

const OPTIONS: Record<string, (fallback: BuiltInName) => { [name: string]: Json }> = {
  'keep-hot': () => ({ keep: ['coder'] }),
  'protect-and-refuse': () => ({ keep: ['coder'], patient: ['batch'], idleSec: 60 }),
  'office-hours': () => ({ keep: ['coder'], from: 9, to: 10 }),
  'per-client-priority': () => ({ ranks: { anna: 10, batch: -10 } }),
  'return-to-default': () => ({ model: 'coder', afterMin: 2 }),
  'warm-redirect': () => ({ better: { small: 'chat', vision: 'coder' } }),
  'game-mode': () => ({ allow: ['small'] }),
};

/** What each is there for, as it shows in the log of the days, beside those under the usual planner. */
const SHOWS: Record<string, (days: readonly Day[], usual: readonly Day[]) => void> = {
  'keep-hot': (days, usual) => expect(timesEvicted('coder', days)).toBeLessThan(timesEvicted('coder', usual)),
  'minimum-residency': (days, usual) => expect(leftEarly(days)).toBeLessThan(leftEarly(usual) / 2),
  'session-stickiness': (days, usual) => expect(meanWaitMs('agent', days)).toBeLessThan(meanWaitMs('agent', usual)),
  'per-client-priority': (days) => expect(drains(days)).toBeGreaterThan(0),
  'fair-share': (days) => expect(drains(days)).toBeGreaterThan(0),
  'protect-and-refuse': (days) => {
    const clients = days.flatMap(({ refused }) => refused.map(({ client }) => client));
    expect(clients.length).toBeGreaterThan(0);
    expect(clients).not.toContain('batch');
  },
  'office-hours': (days) => {
    const ten = START + 60 * MINUTE;
    const refusedAt = days.flatMap(({ refused }) => refused.map(({ at }) => at));
    expect(refusedAt.length).toBeGreaterThan(0);
    expect(refusedAt.filter((at) => at >= ten)).toEqual([]);
    const stopped = days.flatMap((day) => day.events('process.stopping'));
    expect(stopped.filter(({ model, at }) => model === 'coder' && at < ten)).toEqual([]);
  },
  'return-to-default': (days) => expect(idled('load', days)).toBeGreaterThan(0),
  'warm-redirect': (days) => {
    expect(days.flatMap((day) => day.events('request.redirected')).length).toBeGreaterThan(0);
  },
  'game-mode': (days) => {
    expect(days.flatMap(({ refused }) => refused).length).toBeGreaterThan(0);
    expect(idled('unload', days)).toBeGreaterThan(0);
  },
};

/** How many runs made room for another model before they had been there for three times what their load took. */
function leftEarly(days: readonly Day[]): number {
  return days.reduce((all, day) => {
    const began = new Map(day.events('process.starting').map(({ position, at }) => [position, at]));
    const ready = new Map(day.events('process.ready').map(({ data, at }) => [data.run as number, at]));
    const early = day.events('process.stopping').filter(({ data: { run, reason }, at }) => {
      const since = ready.get(run) ?? Number.NaN;
      return reason === 'swap' && at - since < 3 * (since - (began.get(run) ?? Number.NaN));
    });
    return all + early.length;
  }, 0);
}

const timesEvicted = (id: string, days: readonly Day[]) =>
  days.flatMap((day) => day.events('swap.started')).filter(({ data }) => data.evict.some((one) => one === id)).length;
const drains = (days: readonly Day[]) =>
  days
    .flatMap((day) => day.events('plan.decided'))
    .filter(({ data: { verdict } }) => verdict.action === 'swap' && verdict.when === 'drain').length;
const idled = (action: 'load' | 'unload', days: readonly Day[]) =>
  days.flatMap((day) => day.events('policy.idled')).filter(({ data }) => data.verdict.action === action).length;
function meanWaitMs(client: string, days: readonly Day[]): number {
  const sum = (of: 'waitedMs' | 'served') => days.reduce((all, day) => all + (day[of][client] ?? 0), 0);
  return sum('waitedMs') / sum('served');
}

describe.each(FALLBACKS)('over the %s planner', (fallback) => {
  const usual: Policy = { name: 'usual', apiVersion: 1, plan: () => ({ action: 'delegate' }) };
  const daysWith = (policy: Policy, options: { [name: string]: Json }) =>
    SEEDS.map((seed) => spendTheDay(fallback, seed, (stored, onFault) => livePolicy(policy, options, stored, onFault)));
  let usualDays: Day[] = [];
  beforeAll(() => {
    usualDays = daysWith(usual, {});
  }, 120_000);

  it.each(EXAMPLES)('$name', { timeout: 120_000 }, async (example) => {
    const days = daysWith(await moduleOf(example), OPTIONS[example.name]?.(fallback) ?? {});
    for (const [n, day] of days.entries()) {
      const which = `seed ${SEEDS[n]}`;
      expect(day.violations, which).toEqual([]);
      expect(day.events('plan.rejected'), which).toEqual([]);
      for (const client of CLIENTS) expect(day.served[client] ?? 0, `${client} of ${which}`).toBeGreaterThan(10);
      expect(Math.max(...Object.values(day.longestWaitMs)), `longest wait of ${which}`).toBeLessThan(LONGEST_MS);
      const decisions = day.events('plan.decided');
      expect(decisions.filter(({ data }) => data.via !== 'fallback').length).toBeGreaterThan(decisions.length / 2);
    }
    SHOWS[example.name]?.(days, usualDays);
  });
});
