/**
 * Walks the members of a JSON object in a buffer without parsing their values: strings are skipped natively, the rest
 * byte by byte, never recursively. It trusts its input to be JSON and reports when it cannot follow; it does not
 * validate. Used where parsing would cost several times the body in memory.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Places of one member, as byte offsets; ends are exclusive, the key includes its quotes. */
export interface Member {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

/**
 * Calls `visit` for each member of the object that the buffer holds, in order. Returns the offsets of its braces, or
 * null when the buffer does not hold exactly one object that could be followed to its end.
 */
export function scanObject(body: Buffer, visit: (member: Member) => void): { open: number; close: number } | null {
  const open = skipSpace(body, startOf(body));
  if (body[open] !== OPEN_BRACE) return null;
  let at = skipSpace(body, open + 1);
  if (body[at] === CLOSE_BRACE) return closed(body, open, at);
  for (;;) {
    if (body[at] !== QUOTE) return null;
    const keyStart = at;
    const keyEnd = skipString(body, at);
    if (keyEnd < 0) return null;
    at = skipSpace(body, keyEnd);
    if (body[at] !== COLON) return null;
    const valueStart = skipSpace(body, at + 1);
    const valueEnd = skipValue(body, valueStart);
    if (valueEnd < 0) return null;
    visit({ keyStart, keyEnd, valueStart, valueEnd });
    at = skipSpace(body, valueEnd);
    if (body[at] === CLOSE_BRACE) return closed(body, open, at);
    if (body[at] !== COMMA) return null;
    at = skipSpace(body, at + 1);
  }
}

/** Where the text begins: after a byte order mark, which some clients send and JSON.parse refuses. */
export function startOf(body: Buffer): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
}

/** Offset behind the value that begins here, or -1 when it has no end. */
export function skipValue(body: Buffer, start: number): number {
  const first = body[start];
  if (first === QUOTE) return skipString(body, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipContainer(body, start);
  let at = start;
  for (; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isSpace(byte)) break;
  }
  return at === start ? -1 : at;
}

function closed(body: Buffer, open: number, close: number): { open: number; close: number } | null {
  return skipSpace(body, close + 1) === body.length ? { open, close } : null;
}

function skipContainer(body: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < body.length; at++) {
    const byte = body[at];
    if (byte === QUOTE) {
      const end = skipString(body, at);
      if (end < 0) return -1;
      at = end - 1;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

function skipString(body: Buffer, quote: number): number {
  let from = quote + 1;
  for (;;) {
    const next = body.indexOf(QUOTE, from);
    if (next < 0) return -1;
    let slashes = 0;
    while (body[next - 1 - slashes] === BACKSLASH && next - 1 - slashes > quote) slashes++;
    if (slashes % 2 === 0) return next + 1;
    from = next + 1;
  }
}

function skipSpace(body: Buffer, start: number): number {
  let at = start;
  while (at < body.length && isSpace(body[at]!)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
