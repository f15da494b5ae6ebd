/**
 * `GET /api/log`: durable events, filtered; with `follow=1` as server-sent events that go on. A client that comes back
 * with `Last-Event-ID` gets what it missed.
 */
import { MEANING } from '../../core/event-meaning.ts';
import type { EventType } from '../../core/events.ts';
import { type Position, type RequestKey, requestKey } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { LogQuery } from '../../core/log/log.ts';
import { answerError } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { printable } from '../guard.ts';
import { nearestHelp, resolveName } from '../names.ts';
import { badParam, flagParam, momentParam, numberParam, queryOf } from '../query.ts';
import { type EventFilter, type FeedStart, serveEventFeed } from '../stream/event-feed.ts';

export async function logEvents(app: App, ctx: ApiContext): Promise<void> {
  const query = queryOf(ctx.req.url);
  const filter = await filterOf(app, ctx, query);
  if (filter === null) return;
  const range = rangeOf(app, query);
  if (flagParam(query, 'follow')) {
    const last = numberParam(lastEventId(ctx), 'Last-Event-ID', 0, Number.MAX_SAFE_INTEGER);
    await serveEventFeed(ctx, app, filter, await feedStart(app, filter, range, last));
    return;
  }
  const { log } = app.router;
  const { durable } = log;
  const to = Math.min(range.to ?? durable, durable);
  const events = to < (range.from ?? 1) ? [] : await log.read({ ...filter, ...range, to });
  ctx.body = { events, durable };
}

type Range = Pick<LogQuery, 'from' | 'to' | 'since' | 'limit' | 'reverse'>;

function rangeOf(app: App, query: URLSearchParams): Range {
  const from = numberParam(query, 'from', 0, Number.MAX_SAFE_INTEGER);
  const to = numberParam(query, 'to', 0, Number.MAX_SAFE_INTEGER);
  const since = momentParam(query, 'since', app.router.now());
  const limit = numberParam(query, 'limit', 1, LIMITS.logQueryEventsMax);
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
    ...(flagParam(query, 'reverse') ? { reverse: true } : {}),
  };
}

/** Null when it was answered already: a model or request that nobody knows. */
async function filterOf(app: App, ctx: ApiContext, query: URLSearchParams): Promise<EventFilter | null> {
  const types = query.get('types');
  const name = query.get('model');
  const request = query.get('request');
  const filter: EventFilter = {};
  if (types !== null && types !== '') filter.types = types.split(',').map(eventType);
  if (name !== null && name !== '') {
    const config = app.router.config();
    const model = resolveName(config, name);
    if (model === null) {
      answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, name)}`));
      return null;
    }
    filter.model = model;
  }
  if (request !== null && request !== '') {
    const key = await findRequest(app, request);
    if (key === null) {
      answerError(ctx, apiError('not-found', `find request "${printable(request)}": no such request in the log`));
      return null;
    }
    filter.request = key;
  }
  return filter;
}

/** The key of a request by its public id, or by the position of its `request.arrived`. */
export async function findRequest(app: App, idOrPosition: string): Promise<RequestKey | null> {
  const { log } = app.router;
  const known = await log.findRequest(idOrPosition);
  if (known !== null || !/^\d{1,15}$/.test(idOrPosition)) return known;
  const position = Number(idOrPosition);
  if (position < 1 || position > log.durable) return null;
  const [event] = await log.read({ from: position, to: position });
  return event?.type === 'request.arrived' ? requestKey(position) : null;
}

/**
 * Where a feed begins: after the last event the client has, else where it asks, else `limit` matching events back, else
 * with what comes.
 */
async function feedStart(app: App, filter: EventFilter, range: Range, last: number | undefined): Promise<FeedStart> {
  const { log } = app.router;
  const now: Position = log.durable + 1;
  if (last !== undefined) return { from: last + 1 };
  if (range.from !== undefined) return { from: range.from, ...since(range) };
  if (range.limit !== undefined) {
    const newest = await log.read({ ...filter, ...since(range), limit: range.limit, reverse: true });
    return { from: newest.at(-1)?.position ?? now };
  }
  return range.since === undefined ? { from: now } : { from: 1, ...since(range) };
}

function since(range: Range): { since?: number } {
  return range.since === undefined ? {} : { since: range.since };
}

function lastEventId(ctx: ApiContext): URLSearchParams {
  const header = ctx.req.headers['last-event-id'];
  const value = Array.isArray(header) ? header[0] : header;
  return new URLSearchParams(value === undefined ? {} : { 'Last-Event-ID': value });
}

function eventType(text: string): EventType {
  const type = text.trim();
  if (!Object.hasOwn(MEANING, type)) throw badParam('types', type, 'names of event types, separated by commas');
  return type as EventType;
}
