/**
 * What is refused before any route sees it: ambiguous hosts, targets that two programs could read differently, and
 * browsers that act for a page from elsewhere. Pure functions over the request line and headers.
 * Must never look at bodies, keys or state.
 */
import type { IncomingMessage } from 'node:http';
import { TurnoutError } from '../core/errors.ts';
import { headFault } from './forward/headers.ts';
import { pathOf, targetFault } from './forward/path.ts';

type Asking = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'url' | 'method'>;

/** Query of a request target with its `?`, or an empty string. */
export function rawQueryOf(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at);
}

/**
 * Refuses two `Host` headers, a host with characters no host has, and every target that must not be passed on: the path
 * that is routed is the path that is forwarded.
 */
export function checkTarget(req: Asking): void {
  const twoHosts = headFault(req.rawHeaders);
  if (twoHosts !== null) throw new TurnoutError('bad-request', `read request headers: ${twoHosts}`);
  const { host } = req.headers;
  if (host !== undefined && !/^[a-z0-9._~:[\]%-]*$/i.test(host)) {
    throw new TurnoutError('bad-request', `read Host header "${printable(host)}": expected a host name and a port`);
  }
  const fault = targetFault(req.url ?? '');
  if (fault !== null) {
    throw new TurnoutError('bad-request', `read request target "${printable(req.url ?? '')}": ${fault}`);
  }
}

/**
 * Where a path with empty segments really points (spec 3.1), or null: base URLs that end in a slash make `//v1/models`.
 * Not under `/upstream/`, whose rest is another server's affair.
 */
export function withoutEmptySegments(url: string): string | null {
  const path = pathOf(url);
  if (!path.startsWith('/') || !path.includes('//') || path.startsWith('/upstream/')) return null;
  return path.replace(/\/{2,}/g, '/') + rawQueryOf(url);
}

/**
 * Whether a browser sends this for a page of another site. `Sec-Fetch-Site` decides; browsers too old for it send
 * `Origin` with what changes state, and its host name must then be ours. Programs send neither.
 */
export function isCrossSite(req: Asking): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'cross-site';
  return hasForeignOrigin(req);
}

/** Whether an `Origin` was sent whose host name is not that of `Host`. */
export function hasForeignOrigin(req: Asking): boolean {
  const origin = req.headers.origin;
  if (origin === undefined) return false;
  const ours = hostNameOf(`http://${req.headers.host ?? ''}`);
  return ours === null || hostNameOf(origin) !== ours;
}

/** Refuses a page from elsewhere on a route that changes state. */
export function refuseCrossSite(req: Asking): void {
  if (!isCrossSite(req)) return;
  const path = printable(pathOf(req.url ?? ''));
  throw new TurnoutError('forbidden', `refuse ${req.method} ${path}: a page of another site may not ask for this`);
}

/**
 * Refuses requests which a page of another site can make a browser send without asking: images, links and forms. What
 * `fetch` sends in its `cors` mode is let through, since chat pages served from elsewhere are clients like others.
 */
export function refuseBlindCrossSite(req: Asking): void {
  const site = req.headers['sec-fetch-site'];
  if (site !== 'cross-site' || req.headers['sec-fetch-mode'] === 'cors') return;
  refuseCrossSite(req);
}

function hostNameOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null;
}

/** Text of a client, fit for a log line or a message: control characters escaped, then at most `charsMax` characters. */
export function printable(text: string, charsMax = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  const escaped = text.slice(0, charsMax + 1).replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
  return escaped.length > charsMax ? `${escaped.slice(0, charsMax - 1)}…` : escaped;
}
