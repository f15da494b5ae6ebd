/**
 * API keys (spec 3.1): where a key may stand in a request, and whether it is one of ours. Compared as SHA-256 digests in
 * constant time, always against every key, so that neither a prefix nor a position can be timed.
 * Must never keep, log or return a key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Longer candidates are no keys; hashing them would be work for whoever asks. */
const KEY_CHARS_MAX = 512;

export interface KeyRing {
  /** False when no key is configured: everybody may do everything. */
  readonly required: boolean;
  /** Label of the key in these headers (`key:` and 8 hex digits of its digest), or null when there is no valid one. */
  check(headers: IncomingHttpHeaders): string | null;
}

/** Keys as configured; cheap to make, to be made anew when the configuration changes. */
export function createKeyRing(apiKeys: readonly string[]): KeyRing {
  const digests = apiKeys.map(digestOf);
  return {
    required: digests.length > 0,
    check(headers) {
      const candidate = candidateOf(headers);
      if (candidate === null || candidate.length > KEY_CHARS_MAX) return null;
      const digest = digestOf(candidate);
      let valid = false;
      for (const known of digests) {
        if (timingSafeEqual(known, digest)) valid = true;
      }
      return valid ? `key:${digest.toString('hex', 0, 4)}` : null;
    },
  };
}

/** Which paths need no key (table of spec 3.1). `OPTIONS` never comes this far. */
export function isOpenPath(method: string, path: string): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  return OPEN.has(path);
}

const OPEN = new Set(['/health', '/wol-health', '/', '/favicon.ico', '/upstream']);

/**
 * The key a request offers: password of Basic, token of Bearer, `x-api-key`, in this order. A Basic or Bearer value hides
 * `x-api-key`, as in llama-swap; a Basic value that cannot be decoded does not.
 */
export function candidateOf(headers: IncomingHttpHeaders): string | null {
  const authorization = headers.authorization;
  if (authorization !== undefined) {
    const match = /^(basic|bearer) +(.*)$/is.exec(authorization);
    const value = match?.[2]?.trim() ?? '';
    if (match?.[1]?.toLowerCase() === 'bearer' && value !== '') return value;
    if (match?.[1]?.toLowerCase() === 'basic') {
      const password = basicPassword(value);
      if (password !== null) return password;
    }
  }
  const header = headers['x-api-key'];
  const value = Array.isArray(header) ? header[0] : header;
  return value === undefined || value === '' ? null : value;
}

function basicPassword(encoded: string): string | null {
  // Buffer.from ignores what is not base64; a value that does not survive the round trip was not base64.
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) return null;
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 || colon === text.length - 1 ? null : text.slice(colon + 1);
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest();
}
