/**
 * What a request waited on, one after the other: the reasons that were recorded for its model while it waited, then the
 * swap or start that ended the wait. One `target.blocked` speaks for any number of waiters, so the one in force at the
 * arrival counts too.
 */
import type { EventOf } from '../events.ts';
import type { Position } from '../ids.ts';
import { type EventIndex, type RunFacts, runFacts } from './explanation.ts';
import type { SwapFacts } from './swap-story.ts';

export type WaitSegment =
  | { kind: 'blocked'; on: EventOf<'target.blocked'>['data']['on']; reason: string; from: number; until: number | null }
  | { kind: 'swap'; from: number }
  | { kind: 'start'; from: number; run: RunFacts };

/** Segments of a wait that ended before position `before`, at time `waitUntil`. */
export function waitSegments(
  index: EventIndex,
  arrived: EventOf<'request.arrived'>,
  before: Position,
  waitUntil: number,
  swap: SwapFacts | null,
): WaitSegment[] {
  if (arrived.model === undefined) return [];
  const swapAt = swap === null || swap.swap > before ? null : swap.startedAt;
  const segments: WaitSegment[] = blockedSegments(
    index,
    arrived,
    before,
    swapAt ?? waitUntil,
    before !== Number.POSITIVE_INFINITY,
  );
  if (swapAt !== null) segments.push({ kind: 'swap', from: swapAt });
  else segments.push(...startSegment(index, arrived, before));
  return segments;
}

function blockedSegments(
  index: EventIndex,
  arrived: EventOf<'request.arrived'>,
  before: Position,
  end: number,
  over: boolean,
): WaitSegment[] {
  const changes = index.all.filter(
    (event) => event.model === arrived.model && CHANGES.has(event.type) && event.position < before,
  );
  const inForce = changes.filter((event) => event.position < arrived.position).at(-1);
  const later = changes.filter((event) => event.position > arrived.position);
  const relevant = inForce === undefined ? later : [inForce, ...later];
  const segments: Extract<WaitSegment, { kind: 'blocked' }>[] = [];
  relevant.forEach((event, i) => {
    if (event.type !== 'target.blocked') return;
    const next = relevant[i + 1];
    const from = Math.max(event.at, arrived.at);
    const until = Math.min(next?.at ?? end, end);
    // Replaced at once by what the arrival itself led to: never in its way.
    if (event.position < arrived.position && until <= arrived.at) return;
    const { on, reason } = event.data;
    const last = segments.at(-1);
    const open = next === undefined && !over && end >= until;
    if (last !== undefined && last.reason === reason) last.until = open ? null : until;
    else segments.push({ kind: 'blocked', on, reason, from, until: open ? null : until });
  });
  return segments;
}

/** Events of a model after which an earlier reason to wait no longer holds. */
const CHANGES = new Set(['target.blocked', 'swap.started', 'swap.finished', 'process.starting', 'process.ready']);

/** A start outside any swap, or one that was under way at the arrival. */
function startSegment(index: EventIndex, arrived: EventOf<'request.arrived'>, before: Position): WaitSegment[] {
  const starts = index
    .of('process.starting')
    .filter((event) => event.model === arrived.model && event.position < before)
    .map((event) => runFacts(index, event.position))
    .filter((run) => run.readyAt === null || run.readyAt > arrived.at)
    .filter((run) => run.exitedAt === null || run.exitedAt >= arrived.at);
  const last = starts.at(-1);
  return last === undefined ? [] : [{ kind: 'start', from: last.startedAt ?? arrived.at, run: last }];
}
