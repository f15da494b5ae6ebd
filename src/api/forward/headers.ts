/**
 * Every rule about headers on the way to an upstream and back, as pure functions over flat lists (name, value, name,
 * value, ...), so that duplicates, order and case survive. Hop-by-hop headers are dropped both ways, with those that
 * `Connection` names (RFC 9110 7.6.1).
 * Must never look at a socket, and must never let a client remove a header that someone relies on.
 */

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Naming one of these in `Connection` would take away what framing or access control rests on: it is ignored. */
const NEVER_BY_CONNECTION = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'location',
  'set-cookie',
  'www-authenticate',
  'x-api-key',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]);

const PLAIN_CONNECTION = /^(?:keep-alive|close|upgrade)$/i;

export interface RequestHeaderRules {
  /** Address of the client, appended to `X-Forwarded-For` (spec 3.4). */
  remoteAddress: string | undefined;
  /** The body was decoded on the way in: `Content-Encoding` no longer describes it. */
  bodyDecoded?: boolean;
  /** The answer is searched for usage, so it is asked for without compression (spec 6.1). */
  readUsage?: boolean;
}

/**
 * What an upstream gets of a client's headers, for a request whose body is known: no hop-by-hop headers, no
 * `Content-Length` and no `Expect` (the sender frames anew), one `Host` (the client's, spec 3.4).
 */
export function requestHeaders(raw: readonly string[], rules: RequestHeaderRules): string[] {
  const named = namedByConnection(raw);
  const headers: string[] = [];
  let host: string | null = null;
  let forwarded = '';
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || named?.has(key) || key === 'content-length' || key === 'expect') continue;
    if (key === 'host') {
      host ??= value;
    } else if (key === 'x-forwarded-for') {
      forwarded = forwarded === '' ? value : `${forwarded}, ${value}`;
    } else if (key === 'content-encoding' && rules.bodyDecoded) {
      // dropped: the bytes that follow are plain
    } else if (key === 'accept-encoding' && rules.readUsage) {
      // dropped: replaced below
    } else {
      headers.push(name, value);
    }
  }
  if (host !== null) headers.push('host', host);
  if (rules.readUsage) headers.push('accept-encoding', 'identity');
  const address = plainAddress(rules.remoteAddress);
  if (address !== '') forwarded = forwarded === '' ? address : `${forwarded}, ${address}`;
  if (forwarded !== '') headers.push('x-forwarded-for', forwarded);
  return headers;
}

export interface ResponseHead {
  /** Flat list for the client. */
  headers: string[];
  /** null when the length is not announced. */
  contentLength: number | null;
  /** Lower case, with parameters; empty when absent. */
  contentType: string;
  eventStream: boolean;
  /** The body is compressed, so it can be neither searched nor appended to. */
  encoded: boolean;
  /** Why the framing of this answer cannot be trusted, or null. */
  fault: string | null;
}

/** What a client gets of an upstream's headers. `X-Accel-Buffering: no` stands on every event stream (spec 3.1). */
export function responseHead(raw: readonly (string | Buffer)[], status: number): ResponseHead {
  const list: string[] = new Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const item = raw[i]!;
    list[i] = typeof item === 'string' ? item : item.toString('latin1');
  }
  const named = namedByConnection(list);
  const head: ResponseHead = {
    headers: [],
    contentLength: null,
    contentType: '',
    eventStream: false,
    encoded: false,
    fault: null,
  };
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    const key = name.toLowerCase();
    if (key === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked') {
      head.fault = `transfer-encoding "${value}", expected "chunked"`;
    }
    if (HOP_BY_HOP.has(key) || named?.has(key)) continue;
    if (key === 'content-length') {
      if (!/^\d{1,15}$/.test(value)) head.fault = `content-length "${value}", expected a number of bytes`;
      if (head.contentLength !== null && head.contentLength !== Number(value)) head.fault = 'two content-lengths';
      // an answer without a body must not announce one (RFC 9110 8.6)
      if (status === 204 || head.contentLength !== null) continue;
      head.contentLength = Number(value);
    } else if (key === 'content-type') {
      head.contentType = value.toLowerCase();
      head.eventStream = head.contentType.includes('text/event-stream');
    } else if (key === 'content-encoding') {
      head.encoded = value.trim().toLowerCase() !== 'identity' && value.trim() !== '';
    }
    head.headers.push(name, value);
  }
  if (head.eventStream) head.headers = withHeader(head.headers, 'x-accel-buffering', 'no');
  return head;
}

/** Headers that may stand only once; more of them is how requests are smuggled. Null when all is well. */
export function headFault(raw: readonly string[]): string | null {
  let hosts = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]!.toLowerCase() === 'host') hosts++;
  return hosts > 1 ? `${hosts} Host headers, expected one` : null;
}

/** True when the request announces a body, whatever its method. */
export function announcesBody(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (typeof length === 'string' && Number(length) > 0);
}

/** IPv4 addresses of a dual-stack socket lose their `::ffff:`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function withHeader(list: readonly string[], key: string, value: string): string[] {
  const others: string[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) if (list[i]!.toLowerCase() !== key) others.push(list[i]!, list[i + 1]!);
  others.push(key, value);
  return others;
}

/** Null in the usual case, so that the usual case costs no allocation. */
function namedByConnection(list: readonly string[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i]!;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = list[i + 1]!;
    if (PLAIN_CONNECTION.test(value)) continue;
    for (const token of value.split(',')) {
      const key = token.trim().toLowerCase();
      if (key === '' || NEVER_BY_CONNECTION.has(key)) continue;
      named ??= new Set();
      named.add(key);
    }
  }
  return named;
}
