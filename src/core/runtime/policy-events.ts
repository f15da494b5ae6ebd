/**
 * Events as policies get them: the same text whether they come fresh from the loop or again from the log, or the memory of a
 * policy could differ after a restart. Must never hand on more than the log holds.
 */
import type { TurnoutEvent } from '../events.ts';
import type { Position } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EventLog } from '../log/log.ts';

/** The fields in one order; those that an event has not are left out. */
export function eventJson({ position, at, type, version, model, request, cause, data }: TurnoutEvent): string {
  return JSON.stringify({ position, at, type, version, model, request, cause, data });
}

/** The events of these types up to a position, page by page, once the log holds all of them. */
export async function* replayFrom(
  log: EventLog,
  { types, upTo }: { types: readonly string[]; upTo: Position },
): AsyncGenerator<string[]> {
  await log.flush();
  for (let from = 1; from <= upTo; ) {
    const some = await log.read({
      from,
      to: upTo,
      types: types as TurnoutEvent['type'][],
      limit: LIMITS.logQueryEventsMax,
    });
    if (some.length > 0) yield some.map(eventJson);
    if (some.length < LIMITS.logQueryEventsMax) return;
    from = (some.at(-1)?.position ?? upTo) + 1;
  }
}
