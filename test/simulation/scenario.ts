/**
 * What a seed means: a configuration, a traffic, and a random subset of faults (swarm testing: most bugs show only when
 * some faults are absent).
 */
import { modelId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { GroupSettings, ModelSettings, Settings } from '../../src/core/settings.ts';
import type { Random } from './random.ts';
import type { DiskFaults } from './sim-log.ts';
import type { ProcessFaults } from './sim-runtime.ts';

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
  operator: { unloads: number; kills: number; powerLoss: boolean; clockSteps: number; reloads: number };
  /** How the planner answers: at once, late, or sometimes never. */
  planner: { lateMsMax: number; never: number; nonsense: number };
  /** Times are multiples of this: above 1 things happen at the same moment. */
  quantumMs: number;
  /** The seed ends with the faults off and everything having to be answered. */
  drains: boolean;
}

export function scenarioOf(random: Random): Scenario {
  const maybe = (probability: number, value: number) => (random.chance(probability) ? value : 0);
  const overMs = random.int(2_000, 400_000);
  return {
    settings: settingsOf(random),
    disk: { commitMsMax: random.pick([0, 1, 5, 20, 200]), trouble: maybe(0.2, 0.05) },
    processes: {
      loadMsMax: random.pick([5, 200, 5_000, 60_000]),
      neverReady: maybe(0.2, 0.1),
      crashLoading: maybe(0.3, 0.2),
      crashServing: maybe(0.3, 0.3),
      ignoreTerm: maybe(0.3, 0.3),
      spawnFails: maybe(0.2, 0.1),
      stopHangs: maybe(0.2, 0.2),
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
    },
    planner: {
      lateMsMax: random.chance(0.3) ? random.pick([5, 100, 700]) : 0,
      never: maybe(0.1, 0.2),
      nonsense: maybe(0.15, 0.2),
    },
    quantumMs: random.chance(0.25) ? random.pick([50, 1_000]) : 1,
    drains: random.chance(0.5),
  };
}

function settingsOf(random: Random): Settings {
  const groups: GroupSettings[] = [];
  for (let n = random.int(1, 3); n > 0; n--) {
    groups.push({
      id: `g${n}`,
      swap: random.chance(0.8),
      exclusive: random.chance(0.7),
      persistent: random.chance(0.15),
    });
  }
  const models: ModelSettings[] = [];
  const priorities = random.chance(0.3);
  const residency = random.chance(0.2) ? random.int(100, 20_000) : 0;
  for (let n = random.int(2, 6); n > 0; n--) {
    models.push({
      id: modelId(`m${n}`),
      group: random.pick(groups).id,
      concurrencyLimit: random.pick([1, 3, 10]),
      ttlMs: random.chance(0.3) ? random.int(500, 30_000) : 0,
      stopGraceMs: random.int(100, 10_000),
      startTimeoutMs: random.pick([15_000, 120_000]),
      minResidencyMs: residency,
      priority: priorities ? random.int(-1, 3) : 0,
      port: null,
      specDigest: `d${n}`,
    });
  }
  return {
    models,
    groups,
    planner: 'group',
    maxWaitMs: random.chance(0.5) ? null : random.int(500, 60_000),
    queueTimeoutMs: LIMITS.queueTimeoutMs,
    drainTimeoutMs: random.chance(0.2) ? 5_000 : LIMITS.drainTimeoutMs,
    onTrouble: random.chance(0.8) ? 'serve' : 'refuse',
  };
}

/** The settings after somebody edited the file: models changed, gone, come back, other times to live. */
export function editedSettings(settings: Settings, random: Random, edit: number): Settings {
  const models = settings.models
    .filter(() => !random.chance(0.15))
    .map((model) => ({
      ...model,
      specDigest: random.chance(0.3) ? `${model.id} edit ${edit}` : model.specDigest,
      ttlMs: random.chance(0.2) ? random.int(0, 20_000) : model.ttlMs,
    }));
  return { ...settings, models };
}
