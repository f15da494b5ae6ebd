/**
 * One swap told: who decided it and why, which models were stopped and how long each took, and how its target started.
 * Pure over an index of events.
 */
import type { Alternative, EventOf, TurnoutEvent } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import { as, type EventIndex, type RunFacts, runFacts } from './explanation.ts';
import { formatAbout, formatDuration, formatMemory, list } from './format.ts';

export interface StopFacts {
  model: ModelId;
  run: number;
  startedAt: number;
  /** null while it is still stopping, or where the log does not say. */
  tookMs: number | null;
  killed: boolean;
}

/** A wait for memory that the evicted models had not given back. */
export interface MemoryWaitFacts {
  missing: Record<string, number>;
  startedAt: number;
  /** null while it lasts. */
  tookMs: number | null;
  why: EventOf<'memory.awaited'>['data']['why'] | null;
}

export interface SwapFacts {
  swap: Position;
  target: ModelId | null;
  startedAt: number;
  evicted: ModelId[];
  stops: StopFacts[];
  memoryWait: MemoryWaitFacts | null;
  /** The run that it started, once it did. */
  start: RunFacts | null;
  /** Who decided: planner, and its reason in its own words. */
  decidedBy: string | null;
  reason: string | null;
  /** What the planner weighed beside it, each with what it would have cost. */
  alternatives: Alternative[];
  /** When the drain began that it ended: since then requests for the evicted models were held back. null = none. */
  drainedFrom: number | null;
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
    memoryWait: memoryWaitOf(index, started.position),
    start: starting === undefined ? null : runFacts(index, starting.position),
    decidedBy: plan === null ? null : `${plan.data.planner.name} planner${viaWords(index, plan)}`,
    reason: plan === null ? null : plan.data.verdict.reason,
    alternatives: plan === null ? [] : alternativesOf(plan),
    drainedFrom: index.at(started.data.drain)?.at ?? null,
  };
}

function alternativesOf({ data: { verdict } }: EventOf<'plan.decided'>): Alternative[] {
  return verdict.action === 'swap' || verdict.action === 'wait' ? (verdict.alternatives ?? []) : [];
}

/** `gemma, which would have cost about 40 s; phi and embed, about 1 min`; null when nothing else was weighed. */
export function alternativeWords(alternatives: readonly Alternative[]): string | null {
  if (alternatives.length === 0) return null;
  const words = alternatives.map(({ evict, costMs }, i) => {
    const which = evict.length === 0 ? 'nothing' : list(evict);
    return `${which}, ${i === 0 ? 'which would have cost ' : ''}${formatAbout(costMs)}`;
  });
  return words.join('; ');
}

/** Behind the name of who decided: why that one, where another one was to. */
export function viaWords(index: EventIndex, plan: EventOf<'plan.decided'>): string {
  if (plan.data.via === 'live') return '';
  if (plan.data.via === 'delegate') return ', asked by the policy';
  const failed = failureBefore(index, plan);
  return failed === null ? ', in place of one that gave no usable answer' : `, because ${failed}`;
}

/** What happened between a question and the answer of the fallback. */
function failureBefore(index: EventIndex, { position, model, data }: EventOf<'plan.decided'>): string | null {
  const isBetween = (event: TurnoutEvent) => event.position < position && event.position > data.viewPosition;
  const failed = index.of('policy.failed').find((event) => isBetween(event) && event.data.slot === 'live');
  if (failed !== undefined) {
    const { kind, during, message, file, line } = failed.data.fault;
    return `the policy failed in ${during}() (${file}${line === null ? '' : `:${line}`}, ${kind}: ${message})`;
  }
  const rejected = index.of('plan.rejected').find((event) => isBetween(event) && event.model === model);
  return rejected === undefined ? null : `the answer of the policy broke a rule (${rejected.data.detail})`;
}

/** `llama was stopped (1.1 s) and qwen started (9.8 s)`: what the swap did, as far as it came. */
export function swapWords(facts: SwapFacts): string {
  const parts = facts.stops.map(stopWords);
  if (facts.memoryWait !== null) parts.push(memoryWords(facts.memoryWait));
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

function memoryWords({ missing, tookMs, why }: MemoryWaitFacts): string {
  const what = `the memory that was missing (${formatMemory(missing)}) was awaited`;
  if (tookMs === null) return what;
  return `${what} ${why === 'timeout' ? 'in vain ' : ''}(${formatDuration(tookMs)})`;
}

function memoryWaitOf(index: EventIndex, swap: Position): MemoryWaitFacts | null {
  const short = index.of('memory.short').find((event) => event.data.swap === swap);
  if (short === undefined) return null;
  const awaited = index.of('memory.awaited').find((event) => event.data.swap === swap);
  const { missing } = short.data;
  return { missing, startedAt: short.at, tookMs: awaited?.data.waitedMs ?? null, why: awaited?.data.why ?? null };
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
