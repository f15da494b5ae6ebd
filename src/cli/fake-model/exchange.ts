/**
 * One request and its answer: reading the body, writing JSON, bytes and streams, noticing that the client left.
 * Must never write after the client left, nor read a body without a bound.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TurnoutError } from '../../core/errors.ts';
import { isObject, type Json } from './ask.ts';

/** Above turnout's own bound, so that the fake is never the one to refuse. */
const BODY_BYTES_MAX = 512 * 1024 * 1024;

export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  /** Without the query. */
  path: string;
  body: Buffer;
  /** The body if it is a JSON object; null otherwise. */
  json: Json | null;
  /** Fires when the client leaves before the answer is complete. */
  gone: AbortSignal;
}

/** Reads the whole body; null when the client left before its end. Throws TurnoutError `body-too-large`. */
export function readBody(req: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        req.pause();
        reject(new TurnoutError('body-too-large', `cannot read a body, expected at most ${BODY_BYTES_MAX} bytes`));
        return;
      }
      chunks.push(chunk);
    });
    req.on('end', () => resolve(Buffer.concat(chunks)));
    req.on('error', () => resolve(null));
    req.on('close', () => resolve(null));
  });
}

/** The body as a JSON object, or null if it is anything else. */
export function jsonOf(body: Buffer): Json | null {
  if (body.length === 0) return null;
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : null;
  } catch {
    // Not an error here: multipart and form bodies come this way too, and handlers that need JSON answer 400.
    return null;
  }
}

export function goneSignal(res: ServerResponse): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) controller.abort();
  });
  return controller.signal;
}

export function sendBytes(res: ServerResponse, status: number, type: string, bytes: Buffer | string): void {
  if (res.destroyed) return;
  res.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(bytes) });
  res.end(bytes);
}

export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  sendBytes(res, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** Resolves when the response takes more, or is closed. */
export function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      res.off('drain', end);
      res.off('close', end);
      resolve();
    };
    res.on('drain', end);
    res.on('close', end);
    if (res.destroyed || !res.writableNeedDrain) end();
  });
}
