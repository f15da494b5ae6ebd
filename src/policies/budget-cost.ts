/**
 * What it costs to evict a model: how long it would take to bring it back, times how likely it is that somebody asks for
 * it again. Pure; whole milliseconds, so that equal costs are equal. Must never look at sizes.
 */
import { LIMITS } from '../core/limits.ts';
import type { ModelSettings } from '../core/settings.ts';
import type { ModelView, View } from '../core/view.ts';

/** How far ahead the demand for a model is guessed. */
const HORIZON_MS = 300_000;
const HOUR_MS = 3_600_000;
/** Requests within the horizon that are expected of a model which nobody asked for yet. */
const SELDOM = 0.02;

/**
 * Likelihood (0 to 1) of a request within the next `forMs`: x / (1 + x), where x is the number of requests to be expected.
 * x is the mean of two counts, scaled to five minutes: the requests of the last hour, and the last few with each one
 * weighted (5 min / (5 min + age))^2, which comes to the same when they are steady and follows faster when they are not.
 */
export function likelihood(asked: Pick<ModelView, 'askedAgoMs' | 'requestsLastHour'>, forMs = HORIZON_MS): number {
  let recent = 0;
  for (const ago of asked.askedAgoMs) {
    const weight = HORIZON_MS / (HORIZON_MS + Math.max(0, ago));
    recent += weight * weight;
  }
  const hourly = asked.requestsLastHour * (HORIZON_MS / HOUR_MS);
  const expected = SELDOM + ((recent + hourly) / 2) * (Math.min(forMs, HORIZON_MS) / HORIZON_MS);
  return expected / (1 + expected);
}

/** Expected ms until the model would be what it is now: its load, and reading again what its prompt cache holds. */
export function reloadMs(model: ModelView): number {
  const { cachedTokens, prefillPerSecond } = model;
  const load = model.loadMs.median ?? LIMITS.loadUnknownMs;
  if (cachedTokens === null || prefillPerSecond === null || prefillPerSecond <= 0) return load;
  return load + (cachedTokens / prefillPerSecond) * 1_000;
}

/**
 * Expected ms of loading again, weighted. Free is what leaves anyway: a run that stops, or that ends because its
 * configuration changed. What requests wait for is asked again for certain. A model whose TTL ends soon is unloaded then
 * unless somebody asks before, so only requests until then count; one that is kept warm has no such end.
 */
export function evictionCostMs(view: View, model: ModelView, settings: ModelSettings | undefined): number {
  if (model.phase === 'stopping' || model.stale) return 0;
  if ((view.waitingTotal[model.id] ?? 0) > 0) return Math.round(reloadMs(model));
  return Math.round(reloadMs(model) * likelihood(model, untilUnloaded(model, settings)));
}

function untilUnloaded(model: ModelView, settings: ModelSettings | undefined): number {
  if (settings === undefined || settings.ttlMs <= 0 || settings.keepWarm.length > 0) return HORIZON_MS;
  return Math.max(0, settings.ttlMs - (model.idleMs ?? 0));
}
