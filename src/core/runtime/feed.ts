/**
 * Hands events to subscribers in order, and only when they are durable: nothing outside the process shows a position
 * before it is on disk (kernel section 1).
 */
import type { TurnoutEvent } from '../events.ts';
import type { EventLog } from '../log/log.ts';

export interface Feed {
  push(events: readonly TurnoutEvent[]): void;
  subscribe(listener: (events: readonly TurnoutEvent[]) => void): () => void;
  close(): void;
}

export function createFeed(log: EventLog): Feed {
  const listeners = new Set<(events: readonly TurnoutEvent[]) => void>();
  let pending: TurnoutEvent[] = [];

  const stop = log.onDurable((durable) => {
    const end = pending.findIndex((event) => event.position > durable);
    const ready = end === -1 ? pending : pending.slice(0, end);
    if (ready.length === 0) return;
    pending = end === -1 ? [] : pending.slice(end);
    for (const listener of listeners) listener(ready);
  });

  return {
    push: (events) => {
      for (const event of events) pending.push(event);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      stop();
      listeners.clear();
    },
  };
}
