/**
 * Ends an answer that broke so that no client can take it for whole: its connection closes before the announced length
 * or the last chunk. Where neither was announced a close is the regular end, and the connection is reset instead.
 * Must never be used on an answer that is complete.
 */
import type { ServerResponse } from 'node:http';

/** `contentLength` is what the client was told, null when it was told none. */
export function cutAnswer(res: ServerResponse, contentLength: number | null): void {
  if (contentLength === null && !res.chunkedEncoding) res.socket?.resetAndDestroy();
  else res.destroy();
}
