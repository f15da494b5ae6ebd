/**
 * Clients in virtual time: once granted they are served as long as it took in the log, and those that had enough of waiting
 * leave when they did. Must never come at another time than the log says.
 */
import type { TurnoutEvent } from '../../events.ts';
import { type ModelId, type RequestId, type RequestKey, type RunId, requestKey } from '../../ids.ts';
import type { Input } from '../../inputs.ts';
import type { RequestState, State } from '../../state.ts';
import type { Durations } from './durations.ts';
import type { Timeline } from './timeline.ts';
import type { RecordedRequest, ServeEnd } from './trace.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** An answer that the log ends this much after its model was gone belongs to that end; one that goes on longer is cut. */
const CUT_MS = 1_000;

interface Client {
  key: RequestKey;
  model: ModelId;
  recorded: RecordedRequest | undefined;
  run: RunId | null;
  endsAt: number;
  cancel: (() => void)[];
}

export interface SimClients {
  observe(event: TurnoutEvent): void;
  /** Goes on with those that are there in a state. */
  resume(state: Readonly<State>): void;
}

export function createSimClients(
  timeline: Timeline,
  requests: ReadonlyMap<RequestId, RecordedRequest>,
  durations: Durations,
  post: (input: Input) => void,
): SimClients {
  const clients = new Map<RequestKey, Client>();
  const served = new Map<RunId, Set<Client>>();

  const later = (client: Client, at: number, key: number, input: Input) => {
    client.cancel.push(timeline.at(at, key, () => post(input)));
  };

  function enter(key: RequestKey, id: RequestId, model: ModelId, at: number): Client {
    const recorded = requests.get(id);
    const client: Client = { key, model, recorded, run: null, endsAt: NEVER, cancel: [] };
    clients.set(key, client);
    if (recorded?.patience != null) {
      const { ms, key: place, status, bytes } = recorded.patience;
      later(client, at + ms, place, { type: 'http.gone', request: key, status, bytes });
    }
    return client;
  }

  function granted(client: Client, run: RunId, at: number): void {
    for (const cancel of client.cancel) cancel();
    client.cancel = [];
    client.run = run;
    const beside = served.get(run) ?? new Set();
    served.set(run, beside);
    beside.add(client);
    const { key: request, recorded } = client;
    for (const { ms, key, note } of recorded?.notes ?? []) {
      if (at + ms >= timeline.now()) later(client, at + ms, key, { ...note, request });
    }
    const end = endOf(client);
    if (end === null) return;
    client.endsAt = at + end.ms;
    if ('report' in end) later(client, client.endsAt, end.key, { type: 'http.done', request, report: end.report });
    else later(client, client.endsAt, end.key, { type: 'http.gone', request, ...end.gone });
  }

  /** Null: it is served until the slice ends, as it was. */
  function endOf({ recorded, model }: Client): ServeEnd | null {
    if (recorded === undefined) return null; // turnout's own, which the kernel ends
    if (recorded.end !== null) return recorded.end;
    if (recorded.patience === null && !recorded.refused) return null;
    return { ms: durations.serviceMs(model), key: NEVER, report: ANSWERED };
  }

  function over(key: RequestKey): void {
    const client = clients.get(key);
    if (client === undefined) return;
    clients.delete(key);
    if (client.run !== null) served.get(client.run)?.delete(client);
    for (const cancel of client.cancel) cancel();
  }

  /** Whoever is still being served by a process that is gone, and was not when the log was written, is cut. */
  function cut(run: RunId, at: number): void {
    for (const client of served.get(run) ?? []) {
      if (client.endsAt <= at + CUT_MS || client.recorded === undefined) continue;
      later(client, at, NEVER, { type: 'http.done', request: client.key, report: CUT });
    }
    served.delete(run);
  }

  function resume(request: RequestState): void {
    const client = enter(request.key, request.id, request.model, request.arrivedAt);
    if (request.granted !== null) granted(client, request.granted.run, request.granted.at);
  }

  return {
    observe(event) {
      const key = event.request as RequestKey;
      switch (event.type) {
        case 'request.arrived':
          if (event.model !== undefined) enter(requestKey(event.position), event.data.id, event.model, event.at);
          return;
        case 'request.redirected': {
          const client = clients.get(key);
          if (client !== undefined) client.model = event.data.to;
          return;
        }
        case 'request.granted': {
          const client = clients.get(key);
          if (client !== undefined) granted(client, event.data.run, event.at);
          return;
        }
        case 'request.finished':
        case 'request.rejected':
        case 'request.cancelled':
        case 'request.lost':
          return over(key);
        case 'process.exited':
          return cut(event.data.run, event.at);
      }
    },
    resume(state) {
      for (const request of state.requests.values()) resume(request);
    },
  };
}

const ANSWERED = { outcome: 'ok', status: 200, bytes: 0, firstByteMs: null, usage: null, error: null } as const;
const CUT = { ...ANSWERED, outcome: 'cut', error: 'its model was gone' } as const;
