/**
 * What is known of one request, in figures: how long it waited and on what, who was in its way, which swap loaded its
 * model, how it ended. Pure over an index of events; `explain-request.ts` puts it into sentences.
 */
import type { EventOf, TurnoutEvent, Usage } from '../events.ts';
import type { ModelId, RequestKey } from '../ids.ts';
import { as, type EventIndex, runFacts } from './explanation.ts';
import { type SwapFacts, swapFacts } from './swap-story.ts';
import { type WaitSegment, waitSegments } from './wait-segments.ts';

/** How a request can end. */
export type Terminal = EventOf<'request.finished' | 'request.rejected' | 'request.cancelled' | 'request.lost'>;

export interface RequestFacts {
  id: string;
  request: RequestKey;
  model: ModelId | null;
  asked: string;
  client: string;
  session: string | null;
  arrivedAt: number;
  /** Until it was granted or ended; up to now while it waits. */
  waitedMs: number;
  waits: WaitSegment[];
  /** Requests that kept a model busy which had to leave for this one. */
  inTheWay: { request: RequestKey; id: string | null; client: string | null; model: ModelId; until: number }[];
  swap: SwapFacts | null;
  run: number | null;
  /** The model that served in place of the one that was asked for. */
  redirected: { to: ModelId; reason: string; at: number } | null;
  outcome: 'waiting' | 'serving' | 'finished' | 'rejected' | 'cancelled' | 'lost';
  status: number | null;
  usage: Usage | null;
  endedAt: number | null;
}

/** The facts of a request; `granted` and `ended` are null where it did not come that far. */
export function requestFacts(
  index: EventIndex,
  arrived: EventOf<'request.arrived'>,
  granted: EventOf<'request.granted'> | null,
  ended: Terminal | null,
  now: number,
): RequestFacts {
  const until = granted ?? ended;
  const waitUntil = until?.at ?? now;
  const swap = swapOf(index, arrived, granted, until);
  const { id, asked, client, session } = arrived.data;
  return {
    id,
    request: arrived.position as RequestKey,
    model: arrived.model ?? null,
    asked,
    client,
    session,
    arrivedAt: arrived.at,
    waitedMs: granted?.data.waitedMs ?? waitUntil - arrived.at,
    waits: waitSegments(index, arrived, until?.position ?? Number.POSITIVE_INFINITY, waitUntil, swap),
    inTheWay: inTheWay(index, arrived, until?.position ?? Number.POSITIVE_INFINITY, swap),
    swap,
    run: granted?.data.run ?? null,
    redirected: redirectOf(index, arrived),
    outcome: ended === null ? (granted === null ? 'waiting' : 'serving') : OUTCOME[ended.type],
    status: ended === null || ended.type === 'request.lost' ? null : ended.data.status,
    usage: ended?.type === 'request.finished' ? ended.data.usage : null,
    endedAt: ended?.at ?? null,
  };
}

function redirectOf(index: EventIndex, arrived: EventOf<'request.arrived'>): RequestFacts['redirected'] {
  const event = index.of('request.redirected').find((one) => one.request === arrived.position);
  return event === undefined ? null : { ...event.data, at: event.at };
}

const OUTCOME: Record<Terminal['type'], RequestFacts['outcome']> = {
  'request.finished': 'finished',
  'request.rejected': 'rejected',
  'request.cancelled': 'cancelled',
  'request.lost': 'lost',
};

/** Whether an event ends a request. */
export function isTerminal(event: TurnoutEvent): event is Terminal {
  return event.type in OUTCOME;
}

/** The swap that loaded the run it was given, if that was still under way when it came; else the one it waited for. */
function swapOf(
  index: EventIndex,
  arrived: EventOf<'request.arrived'>,
  granted: EventOf<'request.granted'> | null,
  until: TurnoutEvent | null,
): SwapFacts | null {
  if (granted !== null) {
    const run = runFacts(index, granted.data.run);
    const joined = run.readyAt === null || run.readyAt > arrived.at;
    return joined ? swapFacts(index, as(index.at(run.run), 'process.starting')?.data.swap ?? null) : null;
  }
  const last = until?.position ?? Number.POSITIVE_INFINITY;
  const open = index.of('swap.started').filter((swap) => swap.model === arrived.model && swap.position < last);
  const newest = open.at(-1);
  if (newest === undefined) return null;
  const over = index.all.some(
    (event) =>
      (event.type === 'swap.finished' || event.type === 'swap.abandoned') &&
      event.data.swap === newest.position &&
      event.position < arrived.position,
  );
  return over ? null : swapFacts(index, newest.position);
}

/** Requests on evicted models that ended while this one waited: the ones it waited for. */
function inTheWay(
  index: EventIndex,
  arrived: EventOf<'request.arrived'>,
  before: number,
  swap: SwapFacts | null,
): RequestFacts['inTheWay'] {
  if (swap === null || swap.evicted.length === 0) return [];
  const last = Math.min(before, swap.swap);
  return index.all
    .filter(isTerminal)
    .filter((event) => event.position > arrived.position && event.position < last)
    .filter((event) => event.model !== undefined && swap.evicted.includes(event.model))
    .map((event) => {
      const request = event.request as RequestKey;
      const other = as(index.at(request), 'request.arrived');
      const { id = null, client = null } = other?.data ?? {};
      return { request, id, client, model: event.model as ModelId, until: event.at };
    });
}
