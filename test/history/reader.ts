/** A log over a list of events, for tests of what reads logs: the queries are those of every log. */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import type { LogReader } from '../../src/core/history/collect.ts';
import type { LogQuery, TimeTravel } from '../../src/core/log/log.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';

export function readerOf(events: readonly TurnoutEvent[]): LogReader & TimeTravel {
  const { log } = openMemoryLog();
  log.append(events, true);
  return {
    read: (query: LogQuery) => log.read(query),
    positionAt: (time) => log.positionAt(time),
    stateAt: async (position) => fold(events.slice(0, position)),
  };
}
