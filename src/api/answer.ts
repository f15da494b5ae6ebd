/**
 * The short answers: errors, text and redirects, written through koa so that HEAD, lengths and the access line come out
 * right. Must never be used once a head was sent.
 */
import type { Grant } from '../core/runtime/router.ts';
import type { ApiContext } from './context.ts';
import { type ApiError, errorOfRefusal, renderError } from './error-body.ts';

/**
 * Puts the request's id on the answer. Not done for every request beforehand: a relayed answer carries the id in its own
 * list of headers, and node merges a list with headers set before in a slow way.
 */
export function identify(ctx: ApiContext): void {
  ctx.res.setHeader('x-turnout-request-id', ctx.state.id);
}

/** Answers with an error in the form that `Accept` asks for (spec 3.1). */
export function answerError(ctx: ApiContext, error: ApiError): void {
  const { status, headers, body } = renderError(error, ctx.req.headers.accept ?? '');
  ctx.respond = true;
  identify(ctx);
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
}

/** Answers with what a refused grant says. */
export function answerRefusal(ctx: ApiContext, refusal: Extract<Grant, { granted: false }>): void {
  answerError(ctx, errorOfRefusal(refusal));
}

/** Plain text; `X-Content-Type-Options` because some of it was written by models and clients. */
export function answerText(ctx: ApiContext, text: string | Buffer, status = 200): void {
  ctx.status = status;
  ctx.set('content-type', 'text/plain; charset=utf-8');
  ctx.set('x-content-type-options', 'nosniff');
  ctx.body = text;
}

/** A redirect within this server; `location` begins with one `/`. */
export function answerRedirect(ctx: ApiContext, status: 301 | 302 | 307 | 308, location: string): void {
  ctx.status = status;
  ctx.set('location', location);
  ctx.body = '';
}

/** The plain 404 of an unknown path (spec 3.1). */
export function answerUnknownPath(ctx: ApiContext): void {
  answerText(ctx, '404 page not found\n', 404);
}

/** The plain 405 of a known path, with the methods that it knows. */
export function answerWrongMethod(ctx: ApiContext, allowed: Iterable<string>): void {
  ctx.set('allow', [...new Set(allowed)].sort().join(', '));
  answerText(ctx, 'Method Not Allowed\n', 405);
}
