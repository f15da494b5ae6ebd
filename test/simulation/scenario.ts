/**
 * What a seed means: a configuration, a traffic, and a random subset of faults (swarm testing: most bugs show only when
 * some faults are absent).
 */
import type { BuiltInName, Settings } from '../../src/core/settings.ts';
import type { Random } from '../../src/core/simulation/random.ts';
import type { DiskFaults } from '../../src/core/simulation/sim-log.ts';
import type { ProcessFaults } from '../../src/core/simulation/sim-runtime.ts';
import { settingsOf } from './scenario-settings.ts';

export interface Scenario {
  settings: Settings;
  disk: DiskFaults;
  processes: ProcessFaults;
  clients: {
    count: number;
    overMs: number;
    serviceMsMax: number;
    leaves: number;
    cuts: number;
    loads: number;
    quiets: number;
  };
  operator: {
    unloads: number;
    kills: number;
    powerLoss: boolean;
    clockSteps: number;
    reloads: number;
    pins: number;
    forgets: number;
    /** Orderly stops that leave the models to the next start. */
    handovers: number;
    /** Whether children are adopted, and whether the file is edited while turnout is away. */
    adopt: boolean;
    editsWhileAway: boolean;
  };
  /** How often the devices are looked at (0 = never), how late memory comes back, and how often a look fails. */
  devices: { everyMs: number; lagMsMax: number; silent: number };
  /** How the planner answers: at once, late, or sometimes never. */
  planner: { lateMsMax: number; never: number; nonsense: number };
  /** Times are multiples of this: above 1 things happen at the same moment. */
  quantumMs: number;
  /** The seed ends with the faults off and everything having to be answered. */
  drains: boolean;
}

export function scenarioOf(random: Random, planner?: BuiltInName): Scenario {
  const maybe = (probability: number, value: number) => (random.chance(probability) ? value : 0);
  const overMs = random.int(2_000, 400_000);
  return {
    settings: settingsOf(random, planner),
    disk: { commitMsMax: random.pick([0, 1, 5, 20, 200]), trouble: maybe(0.2, 0.05) },
    processes: {
      loadMsMax: random.pick([5, 200, 5_000, 60_000]),
      neverReady: maybe(0.2, 0.1),
      crashLoading: maybe(0.3, 0.2),
      crashServing: maybe(0.3, 0.3),
      ignoreTerm: maybe(0.3, 0.3),
      spawnFails: maybe(0.2, 0.1),
      stopHangs: maybe(0.2, 0.2),
      hangsAfterKill: maybe(0.3, 0.3),
    },
    clients: {
      count: random.int(5, 60),
      overMs,
      serviceMsMax: random.pick([5, 500, 5_000, 30_000]),
      leaves: maybe(0.5, 0.3),
      cuts: maybe(0.2, 0.1),
      loads: maybe(0.3, 0.1),
      quiets: maybe(0.2, 0.4),
    },
    operator: {
      unloads: random.chance(0.3) ? random.int(1, 4) : 0,
      kills: random.chance(0.3) ? random.int(1, 3) : 0,
      powerLoss: random.chance(0.5),
      clockSteps: maybe(0.2, 2),
      reloads: random.chance(0.3) ? random.int(1, 8) : 0,
      pins: random.chance(0.4) ? random.int(1, 6) : 0,
      forgets: maybe(0.2, 2),
      handovers: random.chance(0.25) ? random.int(1, 3) : 0,
      adopt: random.chance(0.85),
      editsWhileAway: random.chance(0.3),
    },
    devices: {
      everyMs: random.chance(0.5) ? random.pick([500, 2_000, 10_000]) : 0,
      lagMsMax: random.pick([0, 300, 5_000, 60_000]),
      silent: maybe(0.3, 0.3),
    },
    planner: {
      lateMsMax: random.chance(0.3) ? random.pick([5, 100, 700]) : 0,
      never: maybe(0.1, 0.2),
      nonsense: maybe(0.25, 0.3),
    },
    quantumMs: random.chance(0.25) ? random.pick([50, 1_000]) : 1,
    drains: random.chance(0.5),
  };
}
