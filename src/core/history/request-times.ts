/**
 * Where the time of a request went: in the queue, stopping others, starting its model, until that answered its health
 * check, reading the prompt, answering. Beside each what is usual for the model. Pure over the events of its runs.
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import type { RequestKey } from '../ids.ts';
import { as, type EventIndex, indexEvents } from './explanation.ts';
import { count, formatDuration } from './format.ts';

/** In the order in which they come. */
export const PHASES = ['queue', 'stop', 'start', 'health', 'prefill', 'decode'] as const;
export type Phase = (typeof PHASES)[number];

/** ms; null = it had none, or the log does not say. `cachedTokens` of `inputTokens` were not read again. */
export type Phases = Record<Phase, number | null> & { inputTokens: number | null; cachedTokens: number | null };

export interface RequestTimes {
  phases: Phases;
  /** Medians over the last requests that the model served, this one left out. */
  usual: Phases;
  /** How many those are. */
  samples: number;
}

/** Null for a request that was never given to a run. */
export function requestTimes(events: Iterable<TurnoutEvent>, key: RequestKey): RequestTimes | null {
  const index = indexEvents(events);
  const model = index.of('request.granted').find((event) => event.request === key)?.model;
  const finished = new Map(index.of('request.finished').map((event) => [event.request, event]));
  const runs = runsOf(index);
  let phases: Phases | null = null;
  const others: Phases[] = [];
  for (const granted of index.of('request.granted')) {
    if (granted.model !== model) continue;
    const one = phasesOf(granted, finished.get(granted.request) ?? null, runs);
    if (granted.request === key) phases = one;
    else others.push(one);
  }
  if (phases === null) return null;
  return { phases, usual: medians(others), samples: others.length };
}

interface RunTimes {
  swapAt: number | null;
  evicted: boolean;
  startingAt: number;
  spawnedAt: number | null;
  readyAt: number | null;
}

function runsOf(index: EventIndex): Map<number, RunTimes> {
  const runs = new Map<number, RunTimes>();
  for (const starting of index.of('process.starting')) {
    const swap = as(index.at(starting.data.swap), 'swap.started');
    const evicted = swap !== null && swap.data.evict.length > 0;
    const times = { swapAt: swap?.at ?? null, evicted, startingAt: starting.at, spawnedAt: null, readyAt: null };
    runs.set(starting.position, times);
  }
  for (const { data, at } of index.of('process.spawned')) set(runs.get(data.run), 'spawnedAt', at);
  for (const { data, at } of index.of('process.ready')) set(runs.get(data.run), 'readyAt', at);
  return runs;
}

function set(times: RunTimes | undefined, field: 'spawnedAt' | 'readyAt', at: number): void {
  if (times !== undefined) times[field] = at;
}

/** A request that joins a start under way spends only the rest of it there. */
function phasesOf(
  granted: EventOf<'request.granted'>,
  finished: EventOf<'request.finished'> | null,
  runs: ReadonlyMap<number, RunTimes>,
): Phases {
  const arrivedAt = granted.at - granted.data.waitedMs;
  const run = runs.get(granted.data.run);
  const served = servedPhases(granted, finished);
  if (run === undefined || run.readyAt === null || run.readyAt <= arrivedAt) {
    return { queue: granted.data.waitedMs, stop: null, start: null, health: null, ...served };
  }
  const since = (from: number, to: number) => Math.max(0, to - Math.max(from, arrivedAt));
  const unlessOver = (from: number, to: number) => (to <= arrivedAt ? null : since(from, to));
  const spawnedAt = run.spawnedAt ?? run.startingAt;
  return {
    queue: since(arrivedAt, run.swapAt ?? run.startingAt) + (granted.at - run.readyAt),
    stop: run.swapAt === null || !run.evicted ? null : unlessOver(run.swapAt, run.startingAt),
    start: run.spawnedAt === null ? null : unlessOver(run.startingAt, spawnedAt),
    health: since(spawnedAt, run.readyAt),
    ...served,
  };
}

function servedPhases(granted: EventOf<'request.granted'>, finished: EventOf<'request.finished'> | null) {
  const usage = finished?.data.usage ?? null;
  const prefill = prefillMs(finished);
  return {
    prefill,
    decode: finished === null || prefill === null ? null : Math.max(0, finished.at - granted.at - prefill),
    inputTokens: usage?.inputTokens ?? null,
    cachedTokens: usage?.cachedTokens ?? null,
  };
}

/** Up to the first byte; less where the model tells its speed, for an answer that is no stream comes all at once. */
function prefillMs(finished: EventOf<'request.finished'> | null): number | null {
  const { firstByteMs = null, usage = null } = finished?.data ?? {};
  const { inputTokens, cachedTokens = 0, promptPerSecond = 0 } = usage ?? {};
  if (firstByteMs === null || inputTokens === undefined || promptPerSecond <= 0) return firstByteMs;
  return Math.min(firstByteMs, Math.round((Math.max(0, inputTokens - cachedTokens) * 1_000) / promptPerSecond));
}

function medians(samples: readonly Phases[]): Phases {
  const of = (field: keyof Phases) => median(samples.flatMap((one) => one[field] ?? []));
  const tokens = { inputTokens: of('inputTokens'), cachedTokens: of('cachedTokens') };
  const [queue, stop, start, health, prefill, decode] = PHASES.map(of) as (number | null)[];
  return { queue, stop, start, health, prefill, decode, ...tokens } as Phases;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

/** One line for each phase that it had, with the usual beside it. */
export function timesText({ phases, usual, samples }: RequestTimes): string[] {
  const of = samples === 0 ? '' : `, and what is usual (median of ${count(samples, 'request')})`;
  const lines = PHASES.flatMap((phase) => {
    const ms = phases[phase];
    if (ms === null) return [];
    const beside = usual[phase] === null ? '' : `  usually ${formatDuration(usual[phase])}`;
    return [`  ${phase.padEnd(8)}${formatDuration(ms).padStart(12)}${beside}`];
  });
  const { inputTokens, cachedTokens } = phases;
  if (inputTokens !== null && cachedTokens !== null) {
    const beside = usual.cachedTokens === null ? '' : `  usually ${usual.cachedTokens.toLocaleString('en-US')}`;
    const share = `${cachedTokens.toLocaleString('en-US')} of ${count(inputTokens, 'token')}`;
    lines.push(`  ${'cached'.padEnd(8)}${share.padStart(12)}${beside}`);
  }
  return [`where its time went${of}:`, ...lines];
}
