/**
 * The open requests of the HTTP side: who waits for a grant, and what was reported of it. A ticket is settled exactly
 * once; whatever is reported afterwards is ignored.
 */
import type { TurnoutEvent } from '../events.ts';
import { type RequestId, type RequestKey, requestKey } from '../ids.ts';
import type { Arrival, Input } from '../inputs.ts';
import type { Grant, Ticket } from './router.ts';

interface Open {
  ticket: { -readonly [field in keyof Ticket]: Ticket[field] };
  key: RequestKey | null;
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
    byId.delete(open.ticket.id);
    if (open.key !== null) byKey.delete(open.key);
  }

  /** The key under which the end is to be reported, or null when nothing more is to be said. */
  function end(open: Open): RequestKey | null {
    if (open.key === null || open.ended) return null;
    close(open);
    return open.key;
  }

  return {
    admit(arrival) {
      const ticket: Open['ticket'] = {
        id: arrival.id,
        grant: null,
        wait: () =>
          new Promise<Grant>((resolve) => {
            if (ticket.grant !== null) resolve(ticket.grant);
            else open.resolve = resolve;
          }),
        leave({ status, bytes }) {
          const request = end(open);
          if (request !== null) post({ type: 'http.gone', request, status, bytes });
        },
        retried(reason) {
          if (open.key !== null && !open.ended) post({ type: 'http.retried', request: open.key, reason });
        },
        quiet(quiet, forMs) {
          if (open.key !== null && !open.ended) post({ type: 'http.quiet', request: open.key, quiet, forMs });
        },
        finish(report) {
          const request = end(open);
          if (request !== null) post({ type: 'http.done', request, report });
        },
      };
      const open: Open = { ticket, key: null, ended: false, resolve: null };
      byId.set(arrival.id, open);
      post({ type: 'http.request', arrival });
      return ticket;
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
      if (open === undefined || open.ticket.grant !== null) return;
      open.ticket.grant = grant;
      open.resolve?.(grant);
      if (!grant.granted) close(open);
    },
    size: () => byKey.size,
  };
}
