/** What makes the simulation trustworthy and usable: it repeats itself, covers what it should, and shrinks what fails. */
import { describe, expect, it } from 'vitest';
import type { EventType, TurnoutEvent } from '../../src/core/events.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { runSeed } from './run-seed.ts';
import { scenarioOf } from './scenario.ts';
import { FAULTS } from './tweak.ts';

describe('the simulation', () => {
  it('gives the same log for the same seed', () => {
    for (const seed of [3, 14, 159]) expect(runSeed(seed).log).toEqual(runSeed(seed).log);
  });

  it('reaches every event that the kernel writes by itself', () => {
    const seen = new Set<EventType>();
    for (let seed = 1; seed <= 150; seed++) {
      for (const text of runSeed(seed).log) seen.add((JSON.parse(text) as TurnoutEvent).type);
    }
    const elsewhere: EventType[] = ['log.gap', 'log.replaced', 'request.retried', 'process.flooded', 'stall.detected'];
    const expected: EventType[] = [
      'router.started',
      'router.draining',
      'router.stopped',
      'clock.stepped',
      'config.applied',
      'log.troubled',
      'log.recovered',
      'request.arrived',
      'request.granted',
      'request.finished',
      'request.rejected',
      'request.cancelled',
      'request.lost',
      'request.quieted',
      'request.resumed',
      'plan.decided',
      'plan.rejected',
      'target.blocked',
      'swap.draining',
      'drain.ended',
      'swap.started',
      'swap.finished',
      'swap.abandoned',
      'process.starting',
      'process.spawned',
      'process.ready',
      'process.adopted',
      'process.stopping',
      'process.killed',
      'process.exited',
      'model.backed-off',
      'unload.requested',
      'model.pinned',
      'model.unpinned',
      'devices.sampled',
      'memory.observed',
      'memory.forgotten',
      'memory.short',
      'memory.awaited',
      'request.redirected',
    ];
    expect(expected.filter((type) => !seen.has(type))).toEqual([]);
    expect([...seen].filter((type) => !expected.includes(type) && !elsewhere.includes(type))).toEqual([]);
  });

  it('gives each seed a subset of the faults, and half of them an end without', () => {
    const scenarios = Array.from({ length: 400 }, (_none, seed) => scenarioOf(seededRandom(seed)));
    const ending = scenarios.filter((scenario) => scenario.drains).length;
    expect(ending / scenarios.length).toBeGreaterThan(0.4);
    expect(ending / scenarios.length).toBeLessThan(0.6);
    expect(scenarios.filter((scenario) => scenario.operator.kills > 0).length).toBeGreaterThan(50);
    expect(FAULTS.length).toBeGreaterThan(15);
  });

  it('can leave out faults and clients of a seed', () => {
    const whole = runSeed(5);
    const less = runSeed(5, { clients: 2, off: FAULTS, world: 1 });
    expect(less.violations).toEqual([]);
    expect(less.events).toBeLessThan(whole.events);
  });
});
