/**
 * `Expect: 100-continue`: the client holds its body back until it is asked for. Whoever reads the body asks for it here,
 * after the checks that can refuse it, so that a request with a wrong key or too large a body never uploads.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const WAITING = new WeakSet<IncomingMessage>();

/** Called for requests that Node reports as expecting. */
export function markExpecting(req: IncomingMessage): void {
  WAITING.add(req);
}

/** Asks for the body if the client waits for that, unless its announced length is over the limit. */
export function continueIfExpected(req: IncomingMessage, res: ServerResponse, maxBytes: number): void {
  if (!WAITING.delete(req)) return;
  const announced = Number(req.headers['content-length'] ?? 0);
  if (announced <= maxBytes) res.writeContinue();
}
