/**
 * The past of a turnout for the policy commands: its decisions, its events, and the state at a position. From the running
 * one over HTTP, else from its log file. Must never change either.
 */
import { TurnoutError } from '../../core/errors.ts';
import type { EventOf, EventType, TurnoutEvent } from '../../core/events.ts';
import { emptyState, evolve } from '../../core/evolve.ts';
import type { Position } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { LogQuery } from '../../core/log/log.ts';
import { openLogForReading } from '../../core/log/read-only.ts';
import { eventJson } from '../../core/runtime/policy-events.ts';
import type { State } from '../../core/state.ts';
import { type Recorded, recordedFrom } from '../../policies/testing/recorded.ts';
import { findTurnout, needStateDir, requestJson } from '../client.ts';
import type { GlobalOptions } from '../output.ts';

export interface Past {
  /** For people: an address or a directory. */
  where: string;
  read(query: Pick<LogQuery, 'from' | 'to' | 'types' | 'since' | 'limit' | 'reverse'>): Promise<TurnoutEvent[]>;
  stateAt(position: Position): Promise<State>;
  close(): Promise<void>;
}

export async function openPast(options: GlobalOptions): Promise<Past> {
  const found = await findTurnout(options);
  if (found.url !== null) return overHttp(found.url);
  const dir = needStateDir(found);
  const log = await openLogForReading(dir);
  return { where: dir, read: (query) => log.read(query), stateAt: (at) => log.stateAt(at), close: () => log.close() };
}

function overHttp(url: string): Past {
  const read: Past['read'] = async ({ from, to, types, since, limit, reverse }) => {
    const query = new URLSearchParams();
    if (from !== undefined) query.set('from', String(from));
    if (to !== undefined) query.set('to', String(to));
    if (types !== undefined) query.set('types', types.join(','));
    if (since !== undefined) query.set('since', new Date(since).toISOString());
    query.set('limit', String(limit ?? LIMITS.logQueryEventsMax));
    if (reverse === true) query.set('reverse', '1');
    return (await requestJson<{ events: TurnoutEvent[] }>(url, `/api/log?${query}`)).events;
  };
  return {
    where: url,
    read,
    async stateAt(position) {
      const state = emptyState();
      for await (const events of pages({ read }, {}, position)) for (const event of events) evolve(state, event);
      return state;
    },
    close: async () => {},
  };
}

/** All events up to a position, in order, in pieces. */
export async function* pages(
  { read }: Pick<Past, 'read'>,
  query: { types?: EventType[]; since?: number },
  to?: Position,
): AsyncGenerator<TurnoutEvent[]> {
  for (let from = 1; ; ) {
    const limit = LIMITS.logQueryEventsMax;
    const events = await read({ ...query, from, limit, ...(to === undefined ? {} : { to }) });
    if (events.length > 0) yield events;
    if (events.length < limit) return;
    from = (events.at(-1)?.position ?? from) + 1;
  }
}

/** The decision at a position, or the latest with `last`. Throws TurnoutError: 'not-found', 'usage'. */
export async function recordedDecision(past: Past, wanted: string): Promise<Recorded> {
  const decision = await decisionAt(past, wanted);
  return recordedFrom(decision, await past.stateAt(decision.data.viewPosition));
}

async function decisionAt(past: Past, wanted: string): Promise<EventOf<'plan.decided'>> {
  const position = Number(wanted);
  if (wanted !== 'last' && !(Number.isInteger(position) && position > 0)) {
    throw new TurnoutError(
      'usage',
      `read the decision "${wanted}": expected the position of a plan.decided, or "last"`,
    );
  }
  const latest = await past.read({ types: ['plan.decided'], limit: 5, reverse: true });
  const [found] = wanted === 'last' ? latest : await past.read({ from: position, to: position, limit: 1 });
  if (found?.type === 'plan.decided') return found;
  const have = latest.map((event) => `${event.position} (${event.model})`).join(', ') || 'none';
  const what = found === undefined ? 'is no event' : `is a ${found.type}`;
  const asked = wanted === 'last' ? 'there is no decision' : `position ${wanted} ${what}, not a decision`;
  throw new TurnoutError('not-found', `${asked} in the log of ${past.where}; the latest decisions are ${have}`);
}

/** What a policy's memory is rebuilt from. */
export function replayOf(past: Past) {
  return async function* ({ types, upTo }: { types: readonly string[]; upTo: Position }) {
    for await (const events of pages(past, { types: types as EventType[] }, upTo)) {
      yield events.map(eventJson);
    }
  };
}
