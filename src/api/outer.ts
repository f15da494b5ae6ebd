/**
 * The one middleware around every request: its id, preflights, the guard, the key, the error envelope, and the access
 * line at its end (spec 3.1, 7). One, because each further async layer costs as much as the parsing of a request.
 * Must never let an error reach koa, whose own handler would drop headers and hang answers that have begun.
 */

import { accessLine, beginAccess, CLIENT_GONE_STATUS } from './access-log.ts';
import { answerError, answerRedirect, identify } from './answer.ts';
import { isOpenPath } from './auth.ts';
import { discardBody } from './body/read-body.ts';
import type { ApiContext, ApiState, App, Handler } from './context.ts';
import { preflightHeaders } from './cors.ts';
import { dialectOf, errorEvent } from './dialect.ts';
import { apiError, errorOfThrown, shapeOf } from './error-body.ts';
import { pathOf } from './forward/path.ts';
import { checkTarget, withoutEmptySegments } from './guard.ts';

/** Wraps the routes. */
export function outerMiddleware(app: App, dispatch: Handler): Handler {
  return async (ctx) => {
    begin(app, ctx);
    try {
      await guarded(app, ctx, dispatch);
    } catch (error) {
      fail(app, ctx, error);
    }
    discardBody(ctx.req, ctx.res);
  };
}

function begin(app: App, ctx: ApiContext): void {
  const access = beginAccess(ctx.req);
  const state: ApiState = { id: app.router.newRequestId(), keyLabel: null, bytes: null };
  ctx.state = state;
  const { req, res } = ctx;
  res.on('close', () => {
    const status = res.headersSent ? res.statusCode : CLIENT_GONE_STATUS;
    const announced = req.method === 'HEAD' ? 0 : Number(res.getHeader('content-length') ?? 0);
    const line = accessLine(access, status, state.bytes ?? announced);
    if (line !== null) app.textLog.access(line);
  });
}

async function guarded(app: App, ctx: ApiContext, dispatch: Handler): Promise<void> {
  const { req } = ctx;
  const url = req.url ?? '';
  if (req.method === 'OPTIONS') {
    identify(ctx);
    ctx.status = 204;
    ctx.set(preflightHeaders(req.headers));
    return;
  }
  const clean = withoutEmptySegments(url);
  if (clean !== null) {
    identify(ctx);
    return answerRedirect(ctx, 307, clean);
  }
  checkTarget(req);
  const refused = authorize(app, ctx);
  if (refused !== null) return answerError(ctx, refused);
  await dispatch(ctx);
}

/** The 401, or null when the request may go on. */
function authorize(app: App, ctx: ApiContext) {
  const keys = app.keys();
  if (!keys.required) return null;
  ctx.state.keyLabel = keys.check(ctx.req.headers);
  if (ctx.state.keyLabel !== null || isOpenPath(ctx.req.method ?? '', pathOf(ctx.req.url ?? ''))) return null;
  return apiError('unauthorized', 'unauthorized: invalid or missing API key');
}

/** The envelope: an answer when none has begun, else the dialect's error event, else a cut that no client can miss. */
function fail(app: App, ctx: ApiContext, thrown: unknown): void {
  const error = errorOfThrown(thrown);
  if (error.code === 'internal') {
    const trace = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    app.textLog.error(`request ${ctx.state.id} failed: ${trace}`);
  }
  const { req, res } = ctx;
  if (!res.headersSent) return answerError(ctx, error);
  ctx.respond = false;
  if (res.writableEnded || res.destroyed) return;
  if (String(res.getHeader('content-type') ?? '').includes('text/event-stream')) {
    const { type, code } = shapeOf(error.status);
    res.end(errorEvent(dialectOf(pathOf(req.url ?? '')), { message: error.message, type, code }));
  } else {
    res.destroy();
  }
}
