/**
 * One swap told: who decided it and why, which models were stopped and how long each took, and how its target started.
 * Pure over an index of events.
 */
import type { EventOf } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import { as, type EventIndex, type RunFacts, runFacts } from './explanation.ts';
import { formatDuration, list } from './format.ts';

export interface StopFacts {
  model: ModelId;
  run: number;
  startedAt: number;
  /** null while it is still stopping, or where the log does not say. */
  tookMs: number | null;
  killed: boolean;
}

export interface SwapFacts {
  swap: Position;
  target: ModelId | null;
  startedAt: number;
  evicted: ModelId[];
  stops: StopFacts[];
  /** The run that it started, once it did. */
  start: RunFacts | null;
  /** Who decided: planner, and its reason in its own words. */
  decidedBy: string | null;
  reason: string | null;
  /** It ended a drain: requests for the evicted models were held back for it. */
  drained: boolean;
}

/** Facts of the swap that began at this position, or null when the index does not know it. */
export function swapFacts(index: EventIndex, swap: Position | null): SwapFacts | null {
  const started = as(index.at(swap), 'swap.started');
  if (started === null) return null;
  const plan = as(index.at(started.data.plan ?? started.cause), 'plan.decided');
  const starting = index.of('process.starting').find((event) => event.data.swap === started.position);
  return {
    swap: started.position,
    target: started.model ?? null,
    startedAt: started.at,
    evicted: started.data.evict,
    stops: stopsOf(index, started),
    start: starting === undefined ? null : runFacts(index, starting.position),
    decidedBy: plan === null ? null : `${plan.data.planner.name} planner${VIA[plan.data.via]}`,
    reason: plan === null ? null : plan.data.verdict.reason,
    drained: started.data.drain !== null,
  };
}

const VIA: Record<EventOf<'plan.decided'>['data']['via'], string> = {
  live: '',
  fallback: ', in place of one that gave no usable answer',
  delegate: ', asked by the policy',
};

/** `llama was stopped (1.1 s) and qwen started (9.8 s)`: what the swap did, as far as it came. */
export function swapWords(facts: SwapFacts): string {
  const parts = facts.stops.map(stopWords);
  if (facts.start !== null) parts.push(startWords(facts.start, facts.target));
  if (parts.length > 0) return list(parts);
  return facts.evicted.length > 0
    ? `${list(facts.evicted)} had to be stopped first`
    : `a swap to ${facts.target} began`;
}

/** `qwen started (9.8 s)`, `qwen has been starting`, or how the start failed. */
export function startWords(run: RunFacts, model: ModelId | null): string {
  const name = model ?? 'the model';
  if (run.readyAt !== null) {
    const took = run.loadMs ?? (run.startedAt === null ? null : run.readyAt - run.startedAt);
    return took === null ? `${name} started` : `${name} started (${formatDuration(took)})`;
  }
  if (run.exitedAt !== null && run.startedAt !== null) {
    return `${name} failed to start after ${formatDuration(run.exitedAt - run.startedAt)}: it ${run.exit}`;
  }
  return `${name} began to start`;
}

function stopWords(stop: StopFacts): string {
  const killed = stop.killed ? ', by KILL' : '';
  if (stop.tookMs === null) return `${stop.model} was asked to stop${killed}`;
  return `${stop.model} was stopped (${formatDuration(stop.tookMs)}${killed})`;
}

function stopsOf(index: EventIndex, swap: EventOf<'swap.started'>): StopFacts[] {
  return index
    .of('process.stopping')
    .filter((event) => event.cause === swap.position)
    .map((event) => {
      const { run } = event.data;
      const exited = index.of('process.exited').find((one) => one.data.run === run);
      return {
        model: event.model as ModelId,
        run,
        startedAt: event.at,
        tookMs: exited === undefined ? null : exited.at - event.at,
        killed: index.of('process.killed').some((one) => one.data.run === run),
      };
    });
}
