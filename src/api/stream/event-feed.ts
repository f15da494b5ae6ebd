/**
 * Events of the log as server-sent events: what the log holds first, then each as it becomes durable. `id` is the
 * position, so a client that comes back with `Last-Event-ID` misses nothing. While a client is slow nothing is kept for
 * it: it is served from the log again once it has caught up with what was sent.
 * Must never show an event that is not durable.
 */
import type { TurnoutEvent } from '../../core/events.ts';
import type { Position } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { LogQuery } from '../../core/log/log.ts';
import type { HealthReport } from '../../core/runtime/router.ts';
import type { ApiContext, App } from '../context.ts';
import { type HeldResponse, holdResponse } from './held-response.ts';

/** The part of a query that says which events are wanted, not where to begin. */
export type EventFilter = Pick<LogQuery, 'types' | 'model' | 'request'>;

export interface FeedStart {
  /** The first position wanted. */
  from: Position;
  /** Events of the past at or after this time only. */
  since?: number;
}

/** Serves the feed until the client leaves or the server closes. */
export async function serveEventFeed(ctx: ApiContext, app: App, filter: EventFilter, start: FeedStart): Promise<void> {
  const held = holdResponse(ctx, app.streams, 'text/event-stream');
  const heartbeat = setInterval(() => held.write(': heartbeat\n\n'), LIMITS.sseHeartbeatMs);
  const feed = createFeed(app, held, filter, start);
  const unsubscribe = app.router.subscribe(feed.offer);
  // Not an event of the log, so without an id: what is not as it should be, such as a refused configuration.
  const tellHealth = (report: HealthReport): void => {
    held.write(`event: health\ndata: ${JSON.stringify(report)}\n\n`);
  };
  const stopHealth = app.router.onHealth(tellHealth);
  if (app.router.health().notes.length > 0) tellHealth(app.router.health());
  held.onDrain(feed.wake);
  feed.wake();
  await held.done;
  unsubscribe();
  stopHealth();
  clearInterval(heartbeat);
}

interface Feed {
  /** Events that just became durable. */
  offer(events: readonly TurnoutEvent[]): void;
  /** The client can take more. */
  wake(): void;
}

function createFeed(app: App, held: HeldResponse, filter: EventFilter, start: FeedStart): Feed {
  const { log } = app.router;
  const matches = matcherOf(filter);
  let sent: Position = start.from - 1;
  // `live`: everything durable was sent and events are passed on as they come. Otherwise the log is read.
  let live = false;
  let reading = false;

  /** Sends one event; false when the client needs time. */
  const send = (event: TurnoutEvent): boolean => {
    sent = event.position;
    return held.write(frameOf(event));
  };

  const catchUp = async (): Promise<void> => {
    while (!live) {
      const to = log.durable;
      const since = start.since === undefined ? {} : { since: start.since };
      const limit = LIMITS.logQueryEventsDefault;
      const events = sent < to ? await log.read({ ...filter, ...since, from: sent + 1, to, limit }) : [];
      if (held.signal.aborted) return;
      for (const event of events) if (!send(event)) return;
      if (events.length < limit) sent = Math.max(sent, to);
      // What became durable while the log was read has been offered already, and passed over.
      live = sent >= log.durable;
    }
  };

  const wake = (): void => {
    if (live || reading || held.signal.aborted || held.full) return;
    reading = true;
    catchUp()
      .catch((error: unknown) => {
        app.textLog.warn(`read events for a client of /api/log: ${error}`);
        held.end();
      })
      .finally(() => {
        reading = false;
      });
  };

  const offer = (events: readonly TurnoutEvent[]): void => {
    const last = events.at(-1);
    if (last === undefined || held.signal.aborted) return;
    if (!live) return wake();
    for (const event of events) {
      if (event.position <= sent || !matches(event) || send(event)) continue;
      live = false;
      return;
    }
    sent = Math.max(sent, last.position);
  };

  return { offer, wake };
}

/** The frame of one event; its data is the event as it stands in the log. */
export function frameOf(event: TurnoutEvent): string {
  return `id: ${event.position}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** Whether an event is what the query's filter asks for, by the same rules as the log. */
export function matcherOf(filter: EventFilter): (event: TurnoutEvent) => boolean {
  const types = filter.types === undefined ? null : new Set<string>(filter.types);
  return (event) =>
    (types === null || types.has(event.type)) &&
    (filter.model === undefined || event.model === filter.model) &&
    (filter.request === undefined || event.request === filter.request || event.position === filter.request);
}
