/**
 * Turnout's own health check: asks a starting model again and again until it answers 200 (spec 5.3, 4.2).
 * Has no time limit of its own: the deadline of the run is the kernel's affair, an AbortSignal ends it.
 * Must never have two probes on the way at once, nor follow a redirect, nor read more than a little of an answer.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import { LIMITS } from '../limits.ts';
import { http, https } from '../platform/node-http.ts';

export interface HealthCheck {
  /** Where the model answers, as in its `proxy`. */
  baseUrl: string;
  /** Path below it, null for `none`: ready without being asked. */
  checkEndpoint: string | null;
  signal: AbortSignal;
  /** Longest wait for a connection within one probe. Default: the whole probe's limit. */
  connectTimeoutMs?: number;
}

const BODY_BYTES_MAX = 64 * 1024;

/**
 * Resolves when the model is ready, with the URL that answered: for `http://localhost` that is the address, 127.0.0.1 or
 * ::1, on which the server listens. Refused, reset, silent or any status but 200 mean "not yet".
 * @throws the signal's reason when it aborts, and TypeError when `baseUrl` is no http(s) URL
 */
export async function probeHealth(check: HealthCheck): Promise<{ baseUrl: string }> {
  const { baseUrl, checkEndpoint, signal } = check;
  signal.throwIfAborted();
  if (checkEndpoint === null) return { baseUrl };
  const candidates = candidatesFor(baseUrl);
  const connectMs = Math.min(check.connectTimeoutMs || LIMITS.healthProbeMs, LIMITS.healthProbeMs);
  const began = performance.now();
  for (;;) {
    for (const candidate of candidates) {
      const ready = await probe(healthUrl(candidate, checkEndpoint), connectMs, signal);
      signal.throwIfAborted();
      if (ready) return { baseUrl: candidate };
    }
    await pause(gapAfter(performance.now() - began), signal);
  }
}

/** Dense at first, when a fast server saves a whole poll; seldom once it is plain that loading takes its time. */
function gapAfter(elapsedMs: number): number {
  return Math.min(LIMITS.healthProbeGapMaxMs, Math.max(1, elapsedMs / 50));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await after(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** A certificate is made out to the name `localhost`, so with TLS the name is kept. */
function candidatesFor(baseUrl: string): string[] {
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`cannot check the health of "${baseUrl}": expected an http or https URL`);
  }
  if (url.protocol === 'https:' || url.hostname !== 'localhost') return [baseUrl];
  return ['127.0.0.1', '[::1]'].map((host) => {
    const at = new URL(baseUrl);
    at.hostname = host;
    return at.pathname === '/' ? at.href.replace(/\/$/, '') : at.href;
  });
}

/** The base path and the endpoint, joined by exactly one slash. */
function healthUrl(baseUrl: string, checkEndpoint: string): URL {
  const url = new URL(baseUrl);
  const [path = '', ...query] = checkEndpoint.split('?');
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path.replace(/^\//, '')}`;
  url.search = query.join('?');
  return url;
}

/** One GET within `healthProbeMs`. False for whatever is not a complete beginning of a 200. */
function probe(url: URL, connectMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const send = url.protocol === 'https:' ? https.request : http.request;
    const request = send(url, {
      agent: false,
      headers: { accept: '*/*', connection: 'close', 'user-agent': 'turnout' },
      maxHeaderSize: LIMITS.upstreamHeaderBytesMax,
    });
    let ok = false;
    const finish = (ready: boolean): void => {
      clearTimeout(whole);
      clearTimeout(connecting);
      signal.removeEventListener('abort', onAbort);
      request.destroy();
      resolve(ready);
    };
    const onAbort = (): void => finish(false);
    // a 200 whose body drips on is a 200
    const whole = setTimeout(() => finish(ok), LIMITS.healthProbeMs);
    const connecting = setTimeout(() => finish(false), connectMs);
    signal.addEventListener('abort', onAbort, { once: true });
    whenConnected(request, () => clearTimeout(connecting));
    request.on('error', () => finish(false));
    request.on('response', (response) => {
      ok = response.statusCode === 200;
      if (ok) drain(response, finish);
      else finish(false);
    });
    request.end();
  });
}

function whenConnected(request: ClientRequest, then: () => void): void {
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', then);
    else then();
  });
}

/** Reads the body away, so that the server is not cut off in the middle of a small one. */
function drain(response: IncomingMessage, finish: (ready: boolean) => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) finish(true);
  });
  response.on('end', () => finish(true));
  response.on('error', () => finish(false));
  response.on('close', () => finish(response.complete));
}
