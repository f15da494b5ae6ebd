/**
 * What every implementation says to a caller that uses a log wrongly. Must never be thrown out of `append`.
 */
import { TurnoutError } from '../errors.ts';

/** A position that does not follow the last one. */
export function outOfOrder(position: number, last: number): TurnoutError {
  return new TurnoutError('internal', `append event ${position}: expected a position after ${last}, got ${position}`);
}

/** Throws TurnoutError('log-unavailable') once a log was closed. */
export function mustBeOpen(closed: boolean): void {
  if (closed) throw new TurnoutError('log-unavailable', 'read the event log: it was closed');
}

/** Throws TurnoutError('bad-request') for a position after the last durable one. */
export function checkPosition(position: number, durable: number): void {
  if (Number.isSafeInteger(position) && position >= 0 && position <= durable) return;
  const expected = `expected a position from 0 to ${durable}, got ${position}`;
  throw new TurnoutError('bad-request', `fold the event log: ${expected}`);
}
