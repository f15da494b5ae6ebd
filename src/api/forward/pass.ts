/**
 * What passing a request and passing an upgrade have in common: the checks before, the headers that go on, and settling
 * once with the same kind of result as the relay.
 * Must never write to the client: what failed before an answer began is the caller's to say.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { TurnoutError } from '../../core/errors.ts';
import { headFault, requestHeaders } from './headers.ts';
import { targetFault } from './path.ts';
import type { RelayResult } from './result.ts';
import type { Track } from './tracks.ts';

export interface Pass {
  readonly startedAt: number;
  readonly origin: string;
  readonly track: Track;
  /** Told of every byte as it goes out. */
  readonly sent: { bytes: number | null };
  settled: boolean;
  status: number | null;
  bytes: number;
  firstByteMs: number | null;
  readonly resolve: (result: RelayResult) => void;
}

export function newPass(
  origin: string,
  track: Track,
  sent: Pass['sent'],
  resolve: (result: RelayResult) => void,
): Pass {
  return {
    startedAt: performance.now(),
    origin,
    track,
    sent,
    settled: false,
    status: null,
    bytes: 0,
    firstByteMs: null,
    resolve,
  };
}

/** Bytes on their way to the client. */
export function passBytes(pass: Pass, count: number): void {
  pass.bytes += count;
  pass.sent.bytes = pass.bytes;
  pass.firstByteMs ??= performance.now() - pass.startedAt;
  pass.track.moved();
}

/** Ends the pass; true the first time. */
export function settlePass(pass: Pass, outcome: RelayResult['outcome'], error: TurnoutError | null): boolean {
  if (pass.settled) return false;
  pass.settled = true;
  pass.track.end();
  const { status, bytes, firstByteMs, resolve } = pass;
  resolve({ outcome, status, bytes, firstByteMs, usage: null, error });
  return true;
}

/** Throws `bad-request` for what two programs could read differently (see `targetFault`, `headFault`). */
export function checkPass(req: IncomingMessage, path: string): void {
  const fault = targetFault(path) ?? headFault(req.rawHeaders);
  if (fault === null) return;
  const shown = JSON.stringify(path.slice(0, 200));
  throw new TurnoutError('bad-request', `pass ${req.method} ${shown} on: ${fault}`);
}

/**
 * Headers for the upstream, as an object with lower-case names. A body keeps its announced length or is framed in chunks
 * anew; nothing else of the client's framing goes on.
 */
export function passHeaders(req: IncomingMessage): IncomingHttpHeaders {
  const flat = requestHeaders(req.rawHeaders, { remoteAddress: req.socket.remoteAddress });
  const headers = headerObject(flat);
  const length = req.headers['content-length'];
  if (req.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked';
  else if (length !== undefined) headers['content-length'] = length;
  return headers;
}

/** Repeated names become lists; the object has no prototype that a name could reach. */
export function headerObject(flat: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i]!.toLowerCase();
    const value = flat[i + 1]!;
    const before = headers[name];
    headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers as IncomingHttpHeaders;
}
