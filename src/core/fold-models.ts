/** The models of a state when a configuration is applied: new ones, known ones, and those that are gone but in use. */
import { noDemand } from './demand.ts';
import type { ModelId } from './ids.ts';
import type { ModelSettings } from './settings.ts';
import type { ModelState, State } from './state.ts';

export function modelsOf(state: State, settings: readonly ModelSettings[]): Map<ModelId, ModelState> {
  const models = new Map<ModelId, ModelState>();
  for (const one of settings) {
    const known = state.models.get(one.id);
    if (known === undefined) {
      models.set(one.id, freshModel(one));
      continue;
    }
    if (known.settings.specDigest !== one.specDigest) {
      known.backoff = null;
      known.memorySamples = []; // another command line may take more or less
    }
    known.settings = one;
    known.configured = true;
    models.set(one.id, known);
  }
  const named = namedModels(state);
  for (const [id, model] of state.models) {
    if (models.has(id)) continue;
    model.configured = false;
    const inUse = model.run !== null || model.waiting.size > 0 || model.serving.size > 0;
    if (inUse || named.has(id)) models.set(id, model); // until the next configuration
  }
  return models;
}

/** Models that swaps, decided ones too, and the drain refer to. */
function namedModels(state: State): Set<ModelId> {
  const named = new Set<ModelId>(state.drain === null ? [] : [state.drain.target, ...state.drain.evict]);
  for (const { target, evict } of state.swaps.values()) for (const id of [target, ...evict]) named.add(id);
  for (const { pending } of state.models.values()) for (const id of pending?.evict ?? []) named.add(id);
  return named;
}

function freshModel(settings: ModelSettings): ModelState {
  return {
    id: settings.id,
    settings,
    configured: true,
    run: null,
    serving: new Set(),
    quiet: new Set(),
    waiting: new Set(),
    leases: new Set(),
    idleSince: null,
    lastClient: null,
    loadMs: [],
    stopMs: [],
    backoff: null,
    idleLoadAt: null,
    keptUntil: null,
    pin: null,
    asked: noDemand(),
    memorySamples: [],
    cache: null,
    blocked: null,
    pending: null,
  };
}
