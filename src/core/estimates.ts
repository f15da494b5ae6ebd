/** How long things take, from what was observed. Pure; ms. Must never be used as a deadline of its own. */
import { LIMITS } from './limits.ts';
import type { ModelState, State } from './state.ts';

/** The upper of the middle ones. Asked so often, of so few samples, that it must not make a sorted copy. */
function medianOf(samples: readonly number[], unknown: number): number {
  const middle = samples.length >> 1;
  for (const candidate of samples) {
    let below = 0;
    let same = 0;
    for (const sample of samples) {
      if (sample < candidate) below++;
      else if (sample === candidate) same++;
    }
    if (below <= middle && middle < below + same) return candidate;
  }
  return unknown;
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
