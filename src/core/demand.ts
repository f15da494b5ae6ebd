/**
 * How often a model is asked for, as whole numbers only, so that every machine folds the same. Pure; `noteAsk` changes in
 * place what the fold owns.
 */
import { LIMITS } from './limits.ts';
import type { Demand } from './state.ts';

const BUCKETS = 12;

export function noDemand(): Demand {
  return { recent: [], bucket: 0, counts: [] };
}

export function noteAsk(demand: Demand, at: number): void {
  demand.recent.push(at);
  if (demand.recent.length > LIMITS.demandRecent) demand.recent.shift();
  const bucket = Math.floor(at / LIMITS.demandBucketMs);
  const passed = Math.min(BUCKETS, bucket - demand.bucket);
  if (demand.counts.length === 0 || passed >= BUCKETS) demand.counts = new Array<number>(BUCKETS).fill(0);
  else for (let n = 0; n < passed; n++) demand.counts.push(0);
  if (demand.counts.length > BUCKETS) demand.counts.splice(0, demand.counts.length - BUCKETS);
  demand.counts[BUCKETS - 1] = (demand.counts[BUCKETS - 1] ?? 0) + 1;
  demand.bucket = Math.max(bucket, demand.bucket);
}

/** Arrivals in the last hour, in steps of five minutes. */
export function asksLastHour(demand: Demand, now: number): number {
  const gone = Math.max(0, Math.floor(now / LIMITS.demandBucketMs) - demand.bucket);
  let sum = 0;
  for (let i = gone; i < demand.counts.length; i++) sum += demand.counts[i] as number;
  return sum;
}
