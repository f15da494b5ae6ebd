/**
 * Who is compared: llama-swap's rule and turnout's planners, as settings of one and the same kernel, so that nothing but
 * the rule differs. Must never give a contender what the others do not get.
 */
import { emptyState } from '../src/core/evolve.ts';
import { type ModelId, modelId } from '../src/core/ids.ts';
import { LIMITS } from '../src/core/limits.ts';
import type { BuiltInName, MatrixSettings, ModelSettings, Settings } from '../src/core/settings.ts';
import type { Workload } from './planners-workload.ts';

const GIB = 1024 ** 3;
const GROUP = 'one-at-a-time';
const NEVER_MS = 1_000_000_000; // 11 days: longer than any run

export interface Contender {
  name: string;
  settings(workload: Workload): Settings;
}

/**
 * llama-swap's rule, by router: nothing ages, so nothing is overdue ever, and nothing is kept for those who may come. The
 * rest is alike (order of arrival, collation, no busy model is stopped), and the same loop, processes and disk make it a
 * comparison of rules alone. Its sets fare better here than in the rule played by itself (planners-rule.ts): where the
 * cheapest set has to wait for another swap, the next one is taken.
 */
export const RULES: readonly Contender[] = (['group', 'matrix'] as const).map((router) => ({
  name: `llama-swap's rule, ${router}`,
  settings: (workload) => settingsFor(workload, router, { antiThrash: false, maxWaitMs: NEVER_MS }),
}));

export const PLANNERS: readonly Contender[] = (['group', 'matrix', 'budget'] as const).flatMap((planner) =>
  [false, true].map((antiThrash) => ({
    name: `${planner}${antiThrash ? ', anti-thrash' : ''}`,
    settings: (workload: Workload) => settingsFor(workload, planner, { antiThrash, maxWaitMs: null }),
  })),
);

function settingsFor(
  workload: Workload,
  planner: BuiltInName,
  more: Pick<Settings, 'antiThrash' | 'maxWaitMs'>,
): Settings {
  return {
    ...baseSettings(planner),
    models: workload.models.map(({ id, gib, loadMs }) => ({
      ...modelSettings(modelId(id), gib * GIB),
      startTimeoutMs: 4 * loadMs,
    })),
    matrix: matrixOf(workload),
    devices: [{ id: 'gpu0', bytes: workload.deviceGib * GIB }],
    ...more,
  };
}

/** Settings without models and devices: every wait is allowed to last, so that nothing is refused. */
export function baseSettings(planner: BuiltInName): Settings {
  return {
    ...emptyState().settings,
    groups: [{ id: GROUP, swap: true, exclusive: true, persistent: false }],
    planner,
    fallback: planner,
    queueTimeoutMs: NEVER_MS,
  };
}

export function modelSettings(id: ModelId, memory: number): ModelSettings {
  return {
    id,
    group: GROUP,
    concurrencyLimit: 100,
    ttlMs: 0,
    stopGraceMs: LIMITS.unloadTimeoutMs,
    startTimeoutMs: LIMITS.healthCheckTimeoutMinMs,
    minResidencyMs: 0,
    priority: 0,
    port: null,
    specDigest: id,
    memory,
    tags: [],
    context: 0,
    keepWarm: [],
    onDemand: { action: 'load' },
  };
}

/** What fits together and leaves no room for another model, in the order of the models: what a user would write. */
export function largestSets(workload: Workload): number[][] {
  const { models, deviceGib } = workload;
  const gib = (set: readonly number[]) => set.reduce((sum, model) => sum + (models[model]?.gib ?? 0), 0);
  const sets: number[][] = [];
  for (let mask = 1; mask < 1 << models.length; mask++) {
    const set = models.flatMap((_, model) => ((mask & (1 << model)) !== 0 ? [model] : []));
    const free = deviceGib - gib(set);
    if (free >= 0 && models.every((model, no) => set.includes(no) || model.gib > free)) sets.push(set);
  }
  return sets.sort((a, b) => compareSets(a, b));
}

function compareSets(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return a.length - b.length;
}

function matrixOf(workload: Workload): MatrixSettings {
  const sets = largestSets(workload).map((set, no) => {
    const ids = set.map((model) => modelId(workload.models[model]?.id ?? ''));
    const leaves = ids.map((id) => ({ kind: 'model' as const, id }));
    const [only] = leaves;
    const expression = leaves.length === 1 && only !== undefined ? only : { kind: 'and' as const, parts: leaves };
    return { name: `set-${no + 1}`, text: ids.join(' & '), expression };
  });
  return { sets, evictCosts: {} };
}
