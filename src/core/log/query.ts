/**
 * What a `LogQuery` asks for, with its defaults filled in, the same for every implementation.
 * Must never touch a file, a clock or a thread.
 */
import { TurnoutError } from '../errors.ts';
import type { Position } from '../ids.ts';
import type { Row } from './codec.ts';
import type { LogQuery } from './log.ts';

const DEFAULT_LIMIT = 1_000;

/** A query without defaults: plain values, fit to be sent to a worker. */
export interface FullQuery {
  from: Position;
  to: Position;
  types: string[] | null;
  model: string | null;
  request: number | null;
  since: number | null;
  limit: number;
  reverse: boolean;
}

/** Fills in the defaults; nothing after `durable` is ever shown. Throws TurnoutError('bad-request') for a bad bound. */
export function fullQuery(query: LogQuery, durable: Position): FullQuery {
  const from = bound('from', query.from ?? 1);
  const to = bound('to', query.to ?? durable);
  return {
    from,
    to: Math.min(to, durable),
    types: query.types ?? null,
    model: query.model ?? null,
    request: query.request ?? null,
    since: query.since ?? null,
    limit: bound('limit', query.limit ?? DEFAULT_LIMIT),
    reverse: query.reverse ?? false,
  };
}

/** Whether a stored row is asked for. The arrival of a request belongs to it: its position is the request's key. */
export function matches(query: FullQuery, row: Row): boolean {
  const [position, at, type, , model, request] = row;
  if (position < query.from || position > query.to) return false;
  if (query.since !== null && at < query.since) return false;
  if (query.types !== null && !query.types.includes(type)) return false;
  if (query.model !== null && model !== query.model) return false;
  if (query.request === null || request === query.request) return true;
  return type === 'request.arrived' && position === query.request;
}

function bound(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TurnoutError('bad-request', `read the event log: "${name}" must be a whole number from 0, got "${value}"`);
}
