/**
 * What a configuration means: which models can be loaded together, and what a request for each would evict. Asks the
 * planner itself, so that it says what will happen. Must never guess from the text.
 */
import type { Config } from '../../core/config/config.ts';
import { settingsOf } from '../../core/config/settings.ts';
import { emptyState, fold } from '../../core/evolve.ts';
import type { ModelId } from '../../core/ids.ts';
import type { BuiltInPlanner } from '../../core/plan.ts';
import type { BuiltInName, Memory, ModelSettings, Settings } from '../../core/settings.ts';
import type { State } from '../../core/state.ts';
import { builtInPlanner } from '../../policies/built-in.ts';
import { togetherInMemory } from './check-budget.ts';
import { togetherInGroups } from './check-group.ts';
import { togetherInMatrix } from './check-matrix.ts';
import type { Share, Together } from './check-shares.ts';

export interface Meaning {
  /** What is in charge. */
  planner: Settings['planner'];
  /** The built-in that says what may be loaded together; a policy cannot go beyond it. */
  law: BuiltInName;
  /** The largest sets of models of which none evicts another, whatever is asked for. */
  together: Share[][];
  /** Sets that are left out, because there are too many to show. */
  togetherMore: boolean;
  evictions: Eviction[];
  /** Who leaves for nobody, and what a request gets that would need it. */
  protect: Settings['protect'];
}

/** What a request for a model does with each of the others, when that one runs. */
export interface Eviction {
  model: ModelId;
  /** As declared; only where memory decides. */
  memory: Memory | null;
  onDemand: ModelSettings['onDemand'];
  evicts: ModelId[];
  /** Those that leave or stay with what else runs, and with what is cheapest then. */
  mayEvict: ModelId[];
  keeps: ModelId[];
}

const TOGETHER: Record<BuiltInName, (settings: Settings, planner: BuiltInPlanner) => Together> = {
  group: togetherInGroups,
  matrix: togetherInMatrix,
  budget: togetherInMemory,
};

export function meaningOf(config: Config): Meaning {
  const settings = settingsOf(config, 'only compared, never kept');
  const { planner, fallback: law, protect } = settings;
  const judge = builtInPlanner(law, settings, stateWith(settings));
  const together = TOGETHER[law](settings, judge);
  return {
    planner,
    law,
    together: together.sets,
    togetherMore: together.more,
    evictions: settings.models.map((model) => evictionOf(model, settings, judge, together)),
    protect,
  };
}

/** As it is before anything is loaded or observed, so that what is declared counts. */
function stateWith(settings: Settings): State {
  const data = { hash: '', trigger: 'start', settings } as const;
  return fold([{ type: 'config.applied', position: 1, at: 0, version: 2, data }], emptyState());
}

function evictionOf(
  model: ModelSettings,
  settings: Settings,
  { requires }: BuiltInPlanner,
  together: Together,
): Eviction {
  const { id, onDemand } = model;
  const others = settings.models.map((other) => other.id).filter((other) => other !== id);
  const row = { model: id, memory: settings.fallback === 'budget' ? model.memory : null, onDemand };
  // what no request loads evicts nobody
  const loads = onDemand.action === 'redirect' ? onDemand.otherwise === 'load' : onDemand.action === 'load';
  if (!loads) return { ...row, evicts: [], mayEvict: [], keeps: others };
  const evicts = others.filter((other) => requires(id, [other]).length > 0);
  const leaving = new Set(evicts);
  const compatible = others.filter((other) => !leaving.has(other));
  // others leave in the place of protected models, unless even without those others there is no room
  const held = compatible.filter((other) => settings.protect.models.includes(other));
  const kept = new Set(requires(id, held).length === 0 ? held : []);
  const mayEvict = together.mayLeave(id, compatible).filter((other) => !kept.has(other));
  const unsure = new Set(mayEvict);
  return { ...row, evicts, mayEvict, keeps: compatible.filter((other) => !unsure.has(other)) };
}
