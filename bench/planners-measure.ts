/**
 * What is told of a run, and the longest that anybody may have to wait in it.
 * Must never leave out a request: one that was granted at once counts as a wait of 0.
 */
import { LIMITS } from '../src/core/limits.ts';
import { largestSets } from './planners-contenders.ts';
import type { Run } from './planners-run.ts';
import type { Workload } from './planners-workload.ts';
import { percentile } from './scenario.ts';

const STOP_MAX_MS = 500; // of the simulated processes

export interface Figures {
  swaps: number;
  p50Ms: number;
  p95Ms: number;
  longestMs: number;
  waitMs: number;
  loadingMs: number;
  /** Answered within the window that was asked for. */
  served: number;
  totalMs: number;
  /** The longest wait as a share of the bound for its model. */
  ofBound: number;
  swapsAvoided: number | null;
}

/** Several runs, such as those of several seeds, taken together. */
export function figuresOf(runs: readonly { workload: Workload; run: Run }[], windowMs: number): Figures {
  const waits: number[] = [];
  const sum: Figures = { ...NOTHING };
  for (const { workload, run } of runs) {
    const bound = boundsOf(workload);
    sum.swaps += run.swaps;
    sum.loadingMs += run.loadingMs;
    sum.swapsAvoided = run.swapsAvoided === null ? null : (sum.swapsAvoided ?? 0) + run.swapsAvoided;
    let endMs = 0;
    for (const { model, waitedMs, endsAt } of run.grants) {
      waits.push(waitedMs);
      sum.waitMs += waitedMs;
      endMs = Math.max(endMs, endsAt);
      if (endsAt <= windowMs) sum.served++;
      sum.ofBound = Math.max(sum.ofBound, waitedMs / (bound[model] ?? 1));
    }
    sum.totalMs += endMs;
  }
  waits.sort((a, b) => a - b);
  const longestMs = waits.at(-1) ?? 0;
  return { ...sum, p50Ms: percentile(waits, 0.5), p95Ms: percentile(waits, 0.95), longestMs };
}

const NOTHING: Figures = {
  swaps: 0,
  p50Ms: 0,
  p95Ms: 0,
  longestMs: 0,
  waitMs: 0,
  loadingMs: 0,
  served: 0,
  totalMs: 0,
  ofBound: 0,
  swapsAvoided: 0,
};

/**
 * The longest wait for each model: maxWait + (K + 1) x (drain + stop + load), with K others that are overdue before it.
 * maxWait is twice what loading the target and its victims takes; a model that was never loaded is taken for one of 30 s.
 */
export function boundsOf(workload: Workload): Record<string, number> {
  const { models, agents } = workload;
  const ahead = Math.min(agents.length, models.length) - 1;
  const load = (model: number) => Math.max(models[model]?.loadMs ?? 0, LIMITS.loadUnknownMs);
  const drainMs = Math.max(...agents.flatMap((agent) => agent.steps.map((step) => step.serviceMs)));
  const turnMs = drainMs + STOP_MAX_MS + Math.max(...models.map((_, model) => load(model)));
  const sets = largestSets(workload);
  return Object.fromEntries(
    models.map(({ id }, target) => {
      const victims = sets.map((set) => set.reduce((sum, model) => sum + (model === target ? 0 : load(model)), 0));
      const maxWaitMs = Math.max(LIMITS.maxWaitFloorMs, 2 * (load(target) + Math.max(0, ...victims)));
      return [id, maxWaitMs + (ahead + 1) * turnMs];
    }),
  );
}
