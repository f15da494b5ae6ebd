/**
 * The open requests of the HTTP side: who waits for a grant, and what was reported of it. A ticket is settled exactly
 * once; whatever is reported afterwards is ignored.
 */
import type { TurnoutEvent } from '../events.ts';
import { type RequestId, type RequestKey, requestKey } from '../ids.ts';
import type { Arrival, Input } from '../inputs.ts';
import type { Grant, Ticket } from './router.ts';

interface Open {
  id: RequestId;
  key: RequestKey | null;
  grant: Grant | null;
  ended: boolean;
  resolve: ((grant: Grant) => void) | null;
}

export interface Tickets {
  admit(arrival: Arrival): Ticket;
  /** Learns the key under which the log knows a request. */
  observe(event: TurnoutEvent): void;
  settle(request: RequestKey, grant: Grant): void;
  size(): number;
}

export function createTickets(post: (input: Input) => void): Tickets {
  const byId = new Map<RequestId, Open>();
  const byKey = new Map<RequestKey, Open>();

  function close(open: Open): void {
    open.ended = true;
    byId.delete(open.id);
    if (open.key !== null) byKey.delete(open.key);
  }

  return {
    admit(arrival) {
      const open: Open = { id: arrival.id, key: null, grant: null, ended: false, resolve: null };
      byId.set(arrival.id, open);
      post({ type: 'http.request', arrival });
      const report = (make: (request: RequestKey) => Input) => {
        if (open.key === null || open.ended) return;
        close(open);
        post(make(open.key));
      };
      return {
        id: arrival.id,
        get grant() {
          return open.grant;
        },
        wait: () =>
          new Promise<Grant>((resolve) => {
            if (open.grant !== null) resolve(open.grant);
            else open.resolve = resolve;
          }),
        leave: ({ status, bytes }) => report((request) => ({ type: 'http.gone', request, status, bytes })),
        retried(reason) {
          if (open.key !== null && !open.ended) post({ type: 'http.retried', request: open.key, reason });
        },
        finish: (served) => report((request) => ({ type: 'http.done', request, report: served })),
      };
    },
    observe(event) {
      if (event.type !== 'request.arrived') return;
      const open = byId.get(event.data.id);
      if (open === undefined) return;
      open.key = requestKey(event.position);
      byKey.set(open.key, open);
    },
    settle(request, grant) {
      const open = byKey.get(request);
      if (open === undefined || open.grant !== null) return;
      open.grant = grant;
      open.resolve?.(grant);
      if (!grant.granted) close(open);
    },
    size: () => byKey.size,
  };
}
