/**
 * Public ids of requests: random, so that nobody can guess another's. Randomness is fetched for many ids at once: a call
 * to the system for each costs a request more than reading its body.
 * Must never give out the same bytes twice.
 */
import { randomFillSync } from 'node:crypto';
import { type RequestId, requestId } from '../ids.ts';

/** 96 bits: two equal ids among a billion requests have a chance of one in 10^11. */
const ID_BYTES = 12;
const IDS_AT_ONCE = 256;

/** A source of ids of the form `req_` and 16 characters of base64url. */
export function createRequestIds(): () => RequestId {
  const pool = Buffer.allocUnsafeSlow(ID_BYTES * IDS_AT_ONCE);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += ID_BYTES;
    return requestId(`req_${pool.toString('base64url', at - ID_BYTES, at)}`);
  };
}
