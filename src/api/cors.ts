/**
 * Preflights (spec 3.1): every OPTIONS on every path is answered 204, with whatever headers were asked for. Answers to
 * other requests carry no CORS header of turnout's own; what the upstream sends goes through.
 * Must never depend on keys: a browser sends none with a preflight.
 */
import type { IncomingHttpHeaders } from 'node:http';

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** Headers of the answer to a preflight. */
export function preflightHeaders(request: IncomingHttpHeaders): Record<string, string> {
  return {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': allowedHeaders(request['access-control-request-headers']),
    'access-control-max-age': '86400',
  };
}

/** The asked header names without those that are no tokens; may become empty. */
export function allowedHeaders(asked: string | undefined): string {
  if (asked === undefined || asked === '') return 'Content-Type, Authorization, Accept, X-Requested-With';
  return asked
    .split(',')
    .map((name) => name.trim())
    .filter((name) => TOKEN.test(name))
    .join(', ');
}
