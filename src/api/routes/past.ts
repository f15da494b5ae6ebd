/** The past of the log that a router writes. Must never be asked on the way of a request: folding takes milliseconds. */
import { type Moment, readMoment } from '../../core/history/moment.ts';
import type { EventLog, TimeTravel } from '../../core/log/log.ts';
import type { App } from '../context.ts';
import { badParam } from '../query.ts';

/** Every log that is opened can tell of its past; the router names only the part of it that the loop needs. */
export const pastOf = (app: App): EventLog & TimeTravel => app.router.log as EventLog & TimeTravel;

/** A place or a time in the query, or null when it is absent or empty. */
export function momentAt(app: App, query: URLSearchParams, name: string): Moment | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  try {
    return readMoment(name, text, { now: app.router.now() });
  } catch {
    throw badParam(name, text, 'a position, ms since 1970, an ISO time, or a time ago such as -2h');
  }
}
