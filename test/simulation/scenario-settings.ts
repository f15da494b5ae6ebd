/** The configurations that seeds run on: groups, matrices and memory budgets, with everything that can hold models back. */
import { type ModelId, modelId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type {
  BuiltInName,
  GroupSettings,
  LocalWindow,
  MatrixSettings,
  Memory,
  ModelSettings,
  OnDemand,
  SetExpression,
  Settings,
} from '../../src/core/settings.ts';
import type { Random } from '../../src/core/simulation/random.ts';

const GIB = 1024 ** 3;

export function settingsOf(random: Random, wanted?: BuiltInName): Settings {
  const drawn = random.pick(['group', 'group', 'matrix', 'budget', 'budget'] as const);
  const planner: BuiltInName = wanted ?? drawn;
  const groups: GroupSettings[] = [];
  for (let n = random.int(1, 3); n > 0; n--) {
    groups.push({
      id: `g${n}`,
      swap: random.chance(0.8),
      exclusive: random.chance(0.7),
      persistent: random.chance(0.15),
    });
  }
  const ids: ModelId[] = [];
  for (let n = random.int(2, 6); n > 0; n--) ids.push(modelId(`m${n}`));
  const devices = planner === 'budget' ? devicesOf(random) : [];
  const priorities = random.chance(0.3);
  const residency = random.chance(0.2) ? random.int(100, 20_000) : 0;
  const idle = random.chance(0.3);
  const onDemand = random.chance(0.2);
  const models = ids.map((id): ModelSettings => {
    return {
      id,
      group: random.pick(groups).id,
      concurrencyLimit: random.pick([1, 3, 10]),
      ttlMs: random.chance(0.3) ? random.int(500, 30_000) : 0,
      stopGraceMs: random.int(100, 10_000),
      startTimeoutMs: random.pick([15_000, 120_000]),
      minResidencyMs: residency,
      priority: priorities ? random.int(-1, 3) : 0,
      port: null,
      specDigest: `d ${id}`,
      memory: devices.length === 0 ? null : memoryOf(random, devices),
      tags: [],
      context: 0,
      keepWarm: idle && random.chance(0.4) ? [windowOf(random)] : [],
      onDemand: onDemand ? onDemandOf(random, id, ids) : { action: 'load' },
    };
  });
  return {
    models,
    groups,
    planner,
    fallback: planner,
    matrix: planner === 'matrix' ? matrixOf(random, ids) : null,
    devices,
    memoryWaitMs: random.pick([1_000, 15_000]),
    protect: {
      models: random.chance(0.25) ? [random.pick(ids)] : [],
      otherwise: random.chance(0.5) ? 'refuse' : 'queue',
    },
    whenIdle: idle && random.chance(0.7) ? { afterMs: random.int(1_000, 120_000), load: random.pick(ids) } : null,
    zone: { name: 'Sim/Zone', offsets: [{ from: 0, offsetMin: random.pick([0, 120, -330]) }] },
    clientPriority: random.chance(0.2) ? { client0: 2, client1: -1 } : {},
    antiThrash: random.chance(0.5),
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
      memory: settings.devices.length > 0 && random.chance(0.2) ? memoryOf(random, settings.devices) : model.memory,
    }));
  return { ...settings, models };
}

function devicesOf(random: Random): Settings['devices'] {
  const devices = [{ id: 'gpu0', bytes: 24 * GIB }];
  if (random.chance(0.3)) devices.push({ id: 'gpu1', bytes: 12 * GIB });
  if (random.chance(0.3)) devices.push({ id: 'ram', bytes: 64 * GIB });
  return devices;
}

function memoryOf(random: Random, devices: Settings['devices']): Memory | null {
  if (random.chance(0.15)) return null;
  if (random.chance(0.5)) return random.int(1, 24) * GIB;
  const memory: Record<string, number> = {};
  for (const { id, bytes } of devices) if (random.chance(0.7)) memory[id] = random.int(1, bytes / GIB) * GIB;
  return memory;
}

function windowOf(random: Random): LocalWindow {
  const fromMin = random.int(0, 1_439);
  const days = random.chance(0.7) ? [0, 1, 2, 3, 4, 5, 6] : [random.int(0, 6)];
  return { days, fromMin, toMin: fromMin + random.int(1, 1_439) };
}

function onDemandOf(random: Random, id: ModelId, ids: readonly ModelId[]): OnDemand {
  if (random.chance(0.5)) return { action: 'load' };
  if (random.chance(0.3)) return { action: 'refuse' };
  const to = ids.filter((other) => other !== id && random.chance(0.5));
  return { action: 'redirect', to, otherwise: random.chance(0.7) ? 'load' : 'refuse' };
}

function matrixOf(random: Random, ids: readonly ModelId[]): MatrixSettings {
  const sets: MatrixSettings['sets'] = [];
  for (let n = random.int(1, 4); n > 0; n--) {
    const names = sets.map((set) => set.name);
    sets.push({ name: `s${n}`, text: `set ${n}`, expression: expressionOf(random, ids, names, 2) });
  }
  const evictCosts: Record<string, number> = {};
  for (const id of ids) if (random.chance(0.3)) evictCosts[id] = random.int(1, 20);
  return { sets, evictCosts };
}

function expressionOf(random: Random, ids: readonly ModelId[], sets: readonly string[], depth: number): SetExpression {
  if (depth === 0 || random.chance(0.3)) {
    if (sets.length > 0 && random.chance(0.2)) return { kind: 'set', name: random.pick(sets) };
    return { kind: 'model', id: random.pick(ids) };
  }
  const parts = Array.from({ length: random.int(2, 3) }, () => expressionOf(random, ids, sets, depth - 1));
  return { kind: random.chance(0.5) ? 'and' : 'or', parts };
}
