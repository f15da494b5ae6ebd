/**
 * A log read in pieces, so that no question about the past holds all of it in memory or keeps the reader's thread long.
 * Must never read on where nobody asks for more, by more than the one page that `ahead` asks for.
 */
import type { TurnoutEvent } from '../events.ts';
import type { Position } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { LogQuery } from '../log/log.ts';
import type { LogReader } from './collect.ts';

/** The events of a query in order, page by page. `limit` and `reverse` of the query are not looked at. */
export async function* pagesOf(log: LogReader, query: LogQuery): AsyncGenerator<TurnoutEvent[]> {
  const limit = LIMITS.logQueryEventsMax;
  for (let from = query.from ?? 1; ; ) {
    const page = await log.read({ ...query, from, limit, reverse: false });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    from = (page.at(-1)?.position ?? from) + 1;
  }
}

/** The same, for who is going to read all of it: the next page is read while the last one is looked at. */
export async function* pagesAheadOf(log: LogReader, query: LogQuery): AsyncGenerator<TurnoutEvent[]> {
  const pages = pagesOf(log, query);
  let next = pages.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = pages.next();
      yield value;
    }
  } finally {
    await next.catch(() => {});
  }
}

/** The events of a query one by one. */
export async function* eventsOf(log: LogReader, query: LogQuery): AsyncGenerator<TurnoutEvent> {
  for await (const page of pagesOf(log, query)) yield* page;
}

/** The events at these positions, in order; those that the log does not hold are left out. */
export async function eventsAt(log: LogReader, positions: Iterable<Position>): Promise<TurnoutEvent[]> {
  const found = await Promise.all([...new Set(positions)].map((at) => log.read({ from: at, to: at })));
  return found.flat().sort((a, b) => a.position - b.position);
}

/** Where a log begins: the position of its base, or the one before its first event. */
export async function baseOf(log: LogReader): Promise<Position> {
  const [first] = await log.read({ limit: 1 });
  if (first === undefined) return 0;
  return first.type === 'log.rebased' ? first.position : first.position - 1;
}
