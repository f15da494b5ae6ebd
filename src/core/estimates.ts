/** How long things take, from what was observed. Pure; ms. Must never be used as a deadline of its own. */
import { LIMITS } from './limits.ts';
import type { ModelState, State } from './state.ts';

function medianOf(samples: readonly number[], unknown: number): number {
  if (samples.length === 0) return unknown;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** Median of the observed loads, or what is assumed of a model that was never loaded. */
export function loadEstimateMs(model: ModelState): number {
  return medianOf(model.loadMs, LIMITS.loadUnknownMs);
}

/** Median of the observed stops: from the order to the confirmed exit. */
export function stopEstimateMs(model: ModelState): number {
  return medianOf(model.stopMs, LIMITS.stopUnknownMs);
}

/** Expected ms until the model could serve if nothing were in its way; null when it is ready. */
export function etaMs(state: Readonly<State>, model: ModelState, now: number): number | null {
  const load = loadEstimateMs(model);
  const { run } = model;
  if (run?.phase === 'ready') return null;
  if (run?.phase === 'starting') return Math.max(0, run.startingAt + load - now);
  for (const swap of state.swaps.values()) {
    if (swap.target !== model.id) continue;
    let stop = 0;
    for (const id of swap.evict) {
      const victim = state.models.get(id);
      if (victim?.run?.phase === 'stopping') stop = Math.max(stop, victim.run.since + stopEstimateMs(victim) - now);
    }
    return Math.max(0, stop) + load;
  }
  return run?.phase === 'stopping' ? Math.max(0, run.since + stopEstimateMs(model) - now) + load : load;
}
