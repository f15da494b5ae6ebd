/** The requests of a slice, from its events: when each came, how long serving it took, and when its client had enough. */
import type { EventOf, TurnoutEvent } from '../../events.ts';
import type { RequestId, RequestKey } from '../../ids.ts';
import type { InputOf } from '../../inputs.ts';
import type { State } from '../../state.ts';
import type { RecordedRequest } from './trace.ts';

export interface RequestReader {
  readonly requests: Map<RequestId, RecordedRequest>;
  /** Takes what is about a request; returns what its arrival was reported as. */
  take(event: TurnoutEvent): InputOf<'http.request'> | null;
}

interface Open {
  request: RecordedRequest;
  grantedAt: number | null;
}

/** Requests that are open in `state` go on in the slice. */
export function readRequests(state: Readonly<State>): RequestReader {
  const requests = new Map<RequestId, RecordedRequest>();
  const open = new Map<RequestKey, Open>();
  for (const { id, key, kind, model, arrivedAt, granted, redirectedFrom } of state.requests.values()) {
    const request = { ...fresh({ id, kind, model, arrivedAt }), redirected: redirectedFrom !== null };
    requests.set(id, request);
    open.set(key, { request, grantedAt: granted?.at ?? null });
  }

  function arrived(event: EventOf<'request.arrived'>): InputOf<'http.request'> | null {
    const { priority: _, ...data } = event.data;
    const model = event.model ?? null;
    const request = fresh({ id: data.id, kind: data.kind, model, arrivedAt: event.at });
    open.set(event.position as RequestKey, { request, grantedAt: null });
    if (data.kind === 'idle') return null; // turnout's own
    requests.set(data.id, request);
    return { type: 'http.request', arrival: { ...data, model } };
  }

  return {
    requests,
    take(event) {
      if (event.type === 'request.arrived') return arrived(event);
      const key = event.request as RequestKey;
      const one = open.get(key);
      if (one === undefined) return null;
      const { request, grantedAt } = one;
      const since = { ms: event.at - (grantedAt ?? request.arrivedAt), key: event.position };
      switch (event.type) {
        case 'request.granted':
          one.grantedAt = event.at;
          return null;
        case 'request.quieted':
          request.notes.push({ ...since, note: { type: 'http.quiet', quiet: true, forMs: event.data.forMs } });
          return null;
        case 'request.resumed':
          request.notes.push({ ...since, note: { type: 'http.quiet', quiet: false, forMs: 0 } });
          return null;
        case 'request.retried':
          request.notes.push({ ...since, note: { type: 'http.retried', reason: event.data.reason } });
          return null;
        case 'request.finished': {
          const { totalMs: _, ...report } = event.data;
          request.end = { ...since, report };
          break;
        }
        case 'request.cancelled': {
          const { status, bytes, stage } = event.data;
          if (stage === 'waiting') request.patience = { ...since, status, bytes };
          else request.end = { ...since, gone: { status, bytes } };
          break;
        }
        case 'request.redirected':
          request.redirected = true;
          return null;
        case 'request.rejected':
          request.refused = true;
          break;
        case 'request.lost':
          break;
        default:
          return null;
      }
      open.delete(key);
      return null;
    },
  };
}

function fresh(of: Pick<RecordedRequest, 'id' | 'kind' | 'model' | 'arrivedAt'>): RecordedRequest {
  return { ...of, end: null, patience: null, refused: false, redirected: false, notes: [] };
}
