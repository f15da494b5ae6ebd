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
