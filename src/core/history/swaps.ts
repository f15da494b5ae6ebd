/**
 * The swaps of a stretch of the log, one record each: who asked for it, who had to leave, how long stopping and loading
 * took, and whether what left was loaded again soon, which is what makes a swap a waste. Reads only.
 */
import type { EventOf, EventType, TurnoutEvent } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { LogReader } from './collect.ts';
import { as, causeOf, type EventIndex, indexEvents } from './explanation.ts';
import { eventsAt, pagesOf } from './pages.ts';

/** A model that comes back this soon after it was evicted should better have stayed. */
export const RELOADED_WITHIN_MS = 300_000;

export interface SwapRecord {
  swap: Position;
  /** ms since 1970. */
  at: number;
  target: ModelId;
  /** The request that had waited longest; null where the log does not say. */
  request: { position: Position; id: string; client: string; session: string | null } | null;
  evicted: ModelId[];
  /** Until the last evicted model was gone and its memory free; null = nothing had to leave, or not yet gone. */
  stoppingMs: number | null;
  /** From the start of the target to ready; null = it did not become ready. */
  loadingMs: number | null;
  outcome: 'done' | 'failed' | 'open';
  /** Why it failed. */
  why: string | null;
  decidedBy: string | null;
  reason: string | null;
  /** Evicted models that were started again within five minutes. */
  reloaded: { model: ModelId; afterMs: number }[];
}

export interface SwapSum {
  /** Client or model. */
  key: string;
  swaps: number;
  failed: number;
  evicted: number;
  reloaded: number;
  stoppingMs: number;
  loadingMs: number;
}

const TYPES: EventType[] = ['swap.started', 'swap.finished', 'swap.abandoned', 'process.starting', 'process.ready'];

/** The newest swaps that began between two positions, oldest first; at most `limit`. */
export async function collectSwaps(
  log: LogReader,
  range: { from: Position; to?: Position; limit?: number },
): Promise<SwapRecord[]> {
  const events: TurnoutEvent[] = [];
  for await (const page of pagesOf(log, { from: range.from, types: TYPES })) events.push(...page);
  const last = range.to ?? Number.POSITIVE_INFINITY;
  const limit = Math.min(range.limit ?? LIMITS.logQueryEventsMax, LIMITS.logQueryEventsMax);
  const started = events.filter((event) => event.type === 'swap.started' && event.position <= last).slice(-limit);
  const causes = await withCauses(log, started);
  const index = indexEvents([...events, ...causes]);
  return swapRecords(index, started as EventOf<'swap.started'>[]);
}

/** Records of these swaps; pure over what the index knows. */
export function swapRecords(index: EventIndex, started: readonly EventOf<'swap.started'>[]): SwapRecord[] {
  const starts = new Map<ModelId, EventOf<'process.starting'>[]>();
  const bySwap = new Map<Position, EventOf<'process.starting'>>();
  for (const event of index.of('process.starting')) {
    if (event.model === undefined) continue;
    const list = starts.get(event.model) ?? [];
    starts.set(event.model, list);
    list.push(event);
    if (event.data.swap !== null) bySwap.set(event.data.swap, event);
  }
  const ready = new Map(index.of('process.ready').map((event) => [event.data.run as Position, event]));
  const ends = new Map(
    [...index.of('swap.finished'), ...index.of('swap.abandoned')].map((event) => [event.data.swap as Position, event]),
  );
  return started.map((swap) => {
    const { evict } = swap.data;
    const start = bySwap.get(swap.position);
    const end = ends.get(swap.position) ?? null;
    const failed = end !== null && (end.type === 'swap.abandoned' || !end.data.ok);
    const plan = as(index.at(swap.data.plan ?? swap.cause), 'plan.decided');
    return {
      swap: swap.position,
      at: swap.at,
      target: swap.model as ModelId,
      request: requestOf(index, swap),
      evicted: evict,
      stoppingMs: evict.length === 0 || start === undefined ? null : start.at - swap.at,
      loadingMs: start === undefined ? null : (ready.get(start.position)?.data.loadMs ?? null),
      outcome: end === null ? 'open' : failed ? 'failed' : 'done',
      why: failed ? end.data.why : null,
      decidedBy: plan?.data.planner.name ?? null,
      reason: plan?.data.verdict.reason ?? null,
      reloaded: evict.flatMap((model) => reloadOf(starts.get(model) ?? [], swap)),
    };
  });
}

/** Sums over records, the one that cost most time first. */
export function sumSwaps(records: readonly SwapRecord[], by: 'client' | 'model'): SwapSum[] {
  const sums = new Map<string, SwapSum>();
  for (const record of records) {
    const key = by === 'model' ? record.target : clientOf(record);
    const sum = sums.get(key) ?? { key, swaps: 0, failed: 0, evicted: 0, reloaded: 0, stoppingMs: 0, loadingMs: 0 };
    sums.set(key, sum);
    sum.swaps++;
    if (record.outcome === 'failed') sum.failed++;
    sum.evicted += record.evicted.length;
    sum.reloaded += record.reloaded.length;
    sum.stoppingMs += record.stoppingMs ?? 0;
    sum.loadingMs += record.loadingMs ?? 0;
  }
  return [...sums.values()].sort((a, b) => b.stoppingMs + b.loadingMs - a.stoppingMs - a.loadingMs);
}

/** Who a swap was for, in one word. */
export const clientOf = ({ request }: SwapRecord): string => request?.client ?? 'unknown';

function requestOf(index: EventIndex, swap: EventOf<'swap.started'>): SwapRecord['request'] {
  const seen = new Set<Position>();
  for (let event = index.at(causeOf(swap)); event !== null && !seen.has(event.position); ) {
    if (event.type === 'request.arrived') {
      const { id, client, session } = event.data;
      return { position: event.position, id, client, session };
    }
    seen.add(event.position);
    event = index.at(causeOf(event));
  }
  return null;
}

function reloadOf(
  starts: readonly EventOf<'process.starting'>[],
  swap: EventOf<'swap.started'>,
): SwapRecord['reloaded'] {
  const next = starts.find((start) => start.position > swap.position);
  if (next === undefined || next.at - swap.at > RELOADED_WITHIN_MS) return [];
  return [{ model: next.model as ModelId, afterMs: next.at - swap.at }];
}

/** The decisions behind swaps, and the requests behind those. */
async function withCauses(log: LogReader, swaps: readonly TurnoutEvent[]): Promise<TurnoutEvent[]> {
  const known: TurnoutEvent[] = [];
  let layer: readonly TurnoutEvent[] = swaps;
  for (let depth = 0; depth < LIMITS.explainCauseDepth && layer.length > 0; depth++) {
    const wanted = new Set(layer.flatMap((event) => causeOf(event) ?? []));
    for (const event of known) wanted.delete(event.position);
    layer = await eventsAt(log, wanted);
    known.push(...layer);
  }
  return known;
}
