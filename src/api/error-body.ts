/**
 * The errors that turnout itself answers with, in the three forms of spec 3.1: plain text, a small page, or the JSON
 * envelope that OpenAI's clients understand. Pure: knows statuses and `Accept`, nothing of sockets.
 * Must never put anything into an answer but the message it is given.
 */
import { type ErrorCode, STATUS_OF, TurnoutError } from '../core/errors.ts';
import type { Grant } from '../core/runtime/router.ts';

/** An error on its way to a client. `code` is turnout's own stable code, sent as `x-turnout-error`. */
export interface ApiError {
  status: number;
  code: string;
  message: string;
  retryAfterSec: number | null;
}

export interface RenderedError {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Clients of llama-swap look for this name (spec 3.1); it is a wire format, not turnout's own. */
const SOURCE = 'llama-swap';

const SHAPE: Record<number, { type: string; code: string }> = {
  400: { type: 'invalid_request_error', code: 'bad_request' },
  401: { type: 'authentication_error', code: 'unauthorized' },
  403: { type: 'authentication_error', code: 'forbidden' },
  404: { type: 'invalid_request_error', code: 'not_found' },
  409: { type: 'invalid_request_error', code: 'conflict' },
  429: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  502: { type: 'server_error', code: 'bad_gateway' },
  503: { type: 'server_error', code: 'service_unavailable' },
  504: { type: 'server_error', code: 'gateway_timeout' },
};

/** `type` and `code` of the envelope for a status (table of spec 3.1). */
export function shapeOf(status: number): { type: string; code: string } {
  const known = SHAPE[status];
  if (known !== undefined) return known;
  return status >= 400 && status < 500
    ? { type: 'invalid_request_error', code: 'invalid_request' }
    : { type: 'server_error', code: 'internal_error' };
}

/** The bytes of an error for a client that sent this `Accept`. */
export function renderError(error: ApiError, accept: string): RenderedError {
  const headers: Record<string, string> = { 'x-turnout-error': error.code };
  if (error.status === 401) headers['www-authenticate'] = `Basic realm="${SOURCE}"`;
  if (error.retryAfterSec !== null) headers['retry-after'] = String(error.retryAfterSec);
  // The concurrency limit is JSON whatever `Accept` says (spec 3.1).
  if (error.code === 'concurrency-limit') {
    const body = envelope('Too many requests', { type: 'rate_limit_error', code: 'concurrency_limit' });
    return json(error.status, { ...headers, 'retry-after': String(error.retryAfterSec ?? 1) }, body);
  }
  if (accept.includes('text/plain')) {
    headers['content-type'] = 'text/plain; charset=utf-8';
    return { status: error.status, headers, body: `${SOURCE}: ${error.message}` };
  }
  if (accept.includes('text/html')) {
    headers['content-type'] = 'text/html; charset=utf-8';
    return { status: error.status, headers, body: page(error.status, error.message) };
  }
  return json(error.status, headers, envelope(error.message, shapeOf(error.status)));
}

/** What a refused grant says to the client. Messages of the kernel that are unspecific get the prefix of spec 3.1. */
export function errorOfRefusal(refusal: Extract<Grant, { granted: false }>): ApiError {
  const { status, code, message, retryAfterSec } = refusal;
  const unspecific = code === 'start-failed' || code === 'model-unloaded' || code === 'shutting-down';
  const prefix = unspecific && !message.startsWith('unspecific error: ') ? 'unspecific error: ' : '';
  return { status, code, message: `${prefix}${message}`, retryAfterSec };
}

/** Any thrown thing as an error for a client. What is not a TurnoutError is our defect: its text stays in the log. */
export function errorOfThrown(thrown: unknown): ApiError {
  if (thrown instanceof TurnoutError) {
    return { status: thrown.status, code: thrown.code, message: thrown.message, retryAfterSec: null };
  }
  const message = 'unspecific error: turnout failed to handle the request; its log says why';
  return { status: 500, code: 'internal', message, retryAfterSec: null };
}

/** An error as a value, with the status of its code. */
export function apiError(code: ErrorCode, message: string): ApiError {
  return { status: STATUS_OF[code], code, message, retryAfterSec: null };
}

function envelope(message: string, shape: { type: string; code: string }): string {
  return JSON.stringify({ src: SOURCE, error: { message, type: shape.type, param: null, code: shape.code } });
}

function json(status: number, headers: Record<string, string>, body: string): RenderedError {
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body };
}

function page(status: number, message: string): string {
  return (
    `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${status}</title></head>` +
    `<body><h1>${status}</h1><p>${SOURCE}: ${escapeHtml(message)}</p></body></html>\n`
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
