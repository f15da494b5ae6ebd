/**
 * The figures of a course as the table shows them, and how long anybody may have to wait in a slice. The bound is the same
 * for all contenders. Pure.
 */
import type { ModelId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { Durations } from './durations.ts';
import type { Course } from './tally.ts';
import type { Trace } from './trace.ts';

export interface Figures {
  requests: number;
  swaps: number;
  loads: number;
  loadingMs: number;
  waitP50Ms: number;
  waitP95Ms: number;
  waitMaxMs: number;
  waitTotalMs: number;
  refusals: number;
  refusalsBy: Record<string, number>;
  /** Waited beyond the bound, or refused because the wait had to end. */
  starved: number;
  /** Left, or wait still when the slice ends. */
  left: number;
  open: number;
  reloaded: number;
  redirected: number;
  decisions: number;
  /** Answers of a policy that did not count, by kind. */
  faults: Record<string, number>;
}

export type Bounds = ReadonlyMap<ModelId, number>;

export function figuresOf(course: Course, bounds: Bounds): Figures {
  const waits = Float64Array.from(course.waits, ({ ms }) => ms).sort();
  let waitTotalMs = 0;
  for (const ms of waits) waitTotalMs += ms;
  let starved = (course.refusals['queue-timeout'] ?? 0) + (course.refusals['drain-timeout'] ?? 0);
  const how = { granted: 0, refused: 0, left: 0, open: 0 };
  for (const wait of course.waits) {
    how[wait.how]++;
    if (wait.how !== 'refused' && wait.ms > (bounds.get(wait.model) ?? Number.POSITIVE_INFINITY)) starved++;
  }
  return {
    requests: course.requests,
    swaps: course.swaps,
    loads: course.loads,
    loadingMs: course.loadingMs,
    waitP50Ms: percentile(waits, 0.5),
    waitP95Ms: percentile(waits, 0.95),
    waitMaxMs: waits.at(-1) ?? 0,
    waitTotalMs,
    refusals: how.refused,
    refusalsBy: course.refusals,
    starved,
    left: how.left,
    open: how.open,
    reloaded: course.reloaded,
    redirected: course.redirected,
    decisions: course.decisions.length,
    faults: course.faults,
  };
}

/** Of sorted values, by nearest rank; 0 of none. */
function percentile(sorted: Float64Array, p: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? 0;
}

/**
 * maxWait + (K + 1) x (drain + stop + load), for each model, with all other models that were asked for as the K that may
 * come before it: the longest answer, stop and load of the slice for each.
 */
export function boundsOf(trace: Trace, durations: Durations): Bounds {
  const { settings, models } = trace.end;
  const asked = new Set<ModelId>();
  let serveMs = 0;
  for (const { model, end, kind } of trace.requests.values()) {
    if (model !== null && kind !== 'load') asked.add(model);
    serveMs = Math.max(serveMs, end?.ms ?? 0);
  }
  const loads = new Map(
    [...asked].map((model) => [model, Math.max(durations.loadMs(model), ...longestLoads(trace, model))]),
  );
  let stopMs = 0;
  for (const run of [...trace.runs.values()].flat()) stopMs = Math.max(stopMs, run.stop?.ms ?? 0);
  const longestLoad = Math.max(0, ...loads.values());
  const allLoads = [...loads.values()].reduce((sum, ms) => sum + ms, 0);
  const turns = asked.size * (serveMs + stopMs + longestLoad);
  const bounds = new Map<ModelId, number>();
  for (const model of asked) {
    const known = models.get(model)?.loadMs.length ?? 0;
    const assumed = known === 0 ? LIMITS.loadUnknownMs : 0;
    const maxWaitMs = settings.maxWaitMs ?? Math.max(LIMITS.maxWaitFloorMs, 2 * Math.max(allLoads, assumed));
    bounds.set(model, maxWaitMs + turns);
  }
  return bounds;
}

function longestLoads(trace: Trace, model: ModelId): number[] {
  let longest = 0;
  for (const { coming } of trace.runs.get(model) ?? []) {
    if (coming.how === 'ready') longest = Math.max(longest, coming.ms);
  }
  return [longest];
}
