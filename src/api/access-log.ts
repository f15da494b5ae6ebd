/**
 * The access line of spec 7: one per request, when its answer has ended. The address is the socket's: forwarding headers
 * can be written by anyone.
 * Must never print a query (keys travel there) or a raw control character.
 */
import type { IncomingMessage } from 'node:http';
import { plainAddress } from './forward/headers.ts';
import { pathOf } from './forward/path.ts';
import { printable } from './guard.ts';

/** Paths that are asked for so often that their lines would hide the others (spec 7). */
const QUIET = ['/wol-health', '/api/performance', '/metrics'];

/** For a client that left before it was answered: what nginx logs. */
export const CLIENT_GONE_STATUS = 499;

/** What was asked, as it stood when it came: a socket that closed has no address any more. */
export interface Access {
  req: IncomingMessage;
  address: string;
  /** On the clock of `performance.now()`. */
  startedAt: number;
}

export function beginAccess(req: IncomingMessage): Access {
  return { req, address: addressOf(req), startedAt: performance.now() };
}

/** The line, or null for paths that are not logged. `bytes` counts the body as sent. */
export function accessLine({ req, address, startedAt }: Access, status: number, bytes: number): string | null {
  const path = pathOf(req.url ?? '');
  if (QUIET.some((quiet) => path.startsWith(quiet))) return null;
  const agent = printable(req.headers['user-agent'] ?? '');
  const asked = `${req.method} ${printable(path, 2_000)} HTTP/${req.httpVersion}`;
  return `Request ${address} "${asked}" ${status} ${bytes} "${agent}" ${duration(performance.now() - startedAt)}`;
}

/** Address of the peer; IPv4 in its own form. */
export function addressOf(req: IncomingMessage): string {
  return plainAddress(req.socket.remoteAddress) || 'unknown';
}

/** `850µs`, `12.345ms`, `1.234s`, `2m3.5s`: the forms in which llama-swap's users read it. */
export function duration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1_000)}µs`;
  if (ms < 1_000) return `${Number(ms.toFixed(3))}ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${Number(seconds.toFixed(3))}s`;
  return `${Math.floor(seconds / 60)}m${Number((seconds % 60).toFixed(1))}s`;
}
