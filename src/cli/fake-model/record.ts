/**
 * What the fake model remembers of its requests, so that tests can check what really arrived (`GET /fake/requests`).
 * Must never keep a body: its length and hash are enough to see that the bytes came unchanged.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

interface LastRequest {
  method: string;
  /** As it came on the wire, query and percent signs included. */
  url: string;
  httpVersion: string;
  /** Names and values in turn, in their order and spelling. */
  rawHeaders: string[];
  bodyBytes: number;
  /** Hex. */
  bodySha256: string;
  /** Value of the field `model` of a JSON body; null if there is none. */
  model: string | null;
}

/** The answer of `GET /fake/requests`. Health probes and the /fake routes themselves are not requests. */
export interface FakeRequests {
  model: string;
  pid: number;
  served: number;
  aborted: number;
  inFlight: number;
  healthProbes: number;
  last: LastRequest | null;
}

export type RequestRecord = Omit<FakeRequests, 'model' | 'pid'>;

export function newRecord(): RequestRecord {
  return { served: 0, aborted: 0, inFlight: 0, healthProbes: 0, last: null };
}

export function remember(record: RequestRecord, req: IncomingMessage, body: Buffer, model: string | null): void {
  record.last = {
    method: req.method ?? '',
    url: req.url ?? '',
    httpVersion: req.httpVersion,
    rawHeaders: [...req.rawHeaders],
    bodyBytes: body.length,
    bodySha256: createHash('sha256').update(body).digest('hex'),
    model,
  };
}
