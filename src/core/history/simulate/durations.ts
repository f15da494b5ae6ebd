/**
 * How long things take in a simulation: as they took in the log where it says so, in order; then the median of the same
 * model, of all models, and at last what turnout assumes of what it never saw. Must never leave anything to chance.
 */
import type { ModelId, RunId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { Coming, RecordedRequest, RecordedRun, Trace } from './trace.ts';

const SERVICE_UNKNOWN_MS = 1_000;

export interface Durations {
  /** The next start of a model. */
  nextRun(model: ModelId): RecordedRun;
  /** A run that was there when the slice began. */
  earlierRun(run: RunId, model: ModelId): RecordedRun;
  /** Typical ms to ready. */
  loadMs(model: ModelId): number;
  /** Shortest ms to ready that a start can take here. */
  leastLoadMs(model: ModelId): number;
  stopMs(model: ModelId): number;
  serviceMs(model: ModelId): number;
}

/** How often something that the log does not say was taken for its median, or assumed. */
export interface Guesses {
  loads: number;
  services: number;
  /** Models that the log never saw loading. */
  neverLoaded: Set<ModelId>;
}

interface Table {
  /** Sorted, by model. */
  loads: Map<ModelId, number[]>;
  loadMs: Map<ModelId, number>;
  stopMs: Map<ModelId, number>;
  serviceMs: Map<ModelId, number>;
  anyLoadMs: number;
  anyStopMs: number;
  anyServiceMs: number;
}

function tableOf({ runs, earlier, requests, end }: Trace): Table {
  const all = [...earlier.values(), ...[...runs.values()].flat()];
  const loads = samples(all, (run) => [run.model, run.coming.how === 'ready' ? run.coming.ms : null]);
  for (const model of end.models.values()) {
    if (!loads.has(model.id) && model.loadMs.length > 0)
      loads.set(
        model.id,
        [...model.loadMs].sort((a, b) => a - b),
      );
  }
  const stops = samples(all, (run) => [run.model, run.stop?.ms ?? null]);
  const services = samples(requests.values(), (request) => [request.model, serviceOf(request)]);
  return {
    loads,
    loadMs: mediansOf(loads),
    stopMs: mediansOf(stops),
    serviceMs: mediansOf(services),
    anyLoadMs: medianOf(merged(loads)) ?? LIMITS.loadUnknownMs,
    anyStopMs: medianOf(merged(stops)) ?? LIMITS.stopUnknownMs,
    anyServiceMs: medianOf(merged(services)) ?? SERVICE_UNKNOWN_MS,
  };
}

/** One trace is played several times. */
const tables = new WeakMap<Trace, Table>();

/** For one play: it counts which starts it has told. */
export function durationsOf(trace: Trace): Durations & { guesses: Guesses } {
  const { runs, earlier } = trace;
  const table = tables.get(trace) ?? tableOf(trace);
  tables.set(trace, table);
  const places = new Map<ModelId, number>();
  const guesses: Guesses = { loads: 0, services: 0, neverLoaded: new Set() };

  const loadMs = (model: ModelId): number => {
    const known = table.loadMs.get(model);
    if (known === undefined) guesses.neverLoaded.add(model);
    return known ?? table.anyLoadMs;
  };
  const known = (run: RecordedRun): RecordedRun => {
    if (run.coming.how !== 'unknown') return run;
    guesses.loads++;
    const { atLeastMs } = run.coming;
    return { ...run, coming: guessed(Math.max(loadMs(run.model), atLeastMs === 0 ? 0 : atLeastMs + 1)) };
  };

  return {
    guesses,
    nextRun(model) {
      const place = places.get(model) ?? 0;
      places.set(model, place + 1);
      return known(runs.get(model)?.[place] ?? blank(model));
    },
    earlierRun: (run, model) => known(earlier.get(run) ?? blank(model)),
    loadMs,
    leastLoadMs: (model) => Math.min(table.loads.get(model)?.[0] ?? table.anyLoadMs, loadMs(model)),
    stopMs: (model) => table.stopMs.get(model) ?? table.anyStopMs,
    serviceMs(model) {
      guesses.services++;
      return table.serviceMs.get(model) ?? table.anyServiceMs;
    },
  };
}

const blank = (model: ModelId): RecordedRun => ({
  model,
  spawned: null,
  coming: { how: 'unknown', atLeastMs: 0 },
  crash: null,
  stop: null,
  stopAtLeastMs: 0,
  observed: [],
});

const guessed = (ms: number): Coming => ({ how: 'ready', ms, key: Number.POSITIVE_INFINITY });

/** Of a request that was answered to its end. */
function serviceOf({ kind, end, redirected }: RecordedRequest): number | null {
  if (redirected) return null;
  return end !== null && 'report' in end && kind !== 'load' && end.report.outcome === 'ok' ? end.ms : null;
}

/** Sorted, by model. */
function samples<T>(of: Iterable<T>, read: (one: T) => [ModelId | null, number | null]): Map<ModelId, number[]> {
  const found = new Map<ModelId, number[]>();
  for (const one of of) {
    const [model, ms] = read(one);
    if (model === null || ms === null) continue;
    const list = found.get(model);
    if (list === undefined) found.set(model, [ms]);
    else list.push(ms);
  }
  for (const list of found.values()) list.sort((a, b) => a - b);
  return found;
}

const merged = (by: Map<ModelId, number[]>): number[] => [...by.values()].flat().sort((a, b) => a - b);

const mediansOf = (by: Map<ModelId, number[]>): Map<ModelId, number> =>
  new Map([...by].map(([model, list]) => [model, medianOf(list) as number]));

/** Of sorted values; null of none. */
function medianOf(sorted: readonly number[]): number | null {
  return sorted[sorted.length >> 1] ?? null;
}
