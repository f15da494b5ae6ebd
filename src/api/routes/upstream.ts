/**
 * `/upstream/<model>/<path>` (spec 3.8): anything, of any method, straight to the model's server, byte for byte. It may
 * load the model, so no page of another site may ask for it.
 */
import type { ModelId } from '../../core/ids.ts';
import type { Arrival } from '../../core/inputs.ts';
import type { Router } from '../../core/runtime/router.ts';
import { admit, served } from '../admission.ts';
import { answerError, answerRedirect, answerRefusal } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { continueIfExpected } from '../continue.ts';
import { apiError, errorOfThrown } from '../error-body.ts';
import { pathOf, splitUpstreamPath, type UpstreamPath } from '../forward/path.ts';
import { serveReport, wasServed } from '../forward/result.ts';
import { rawQueryOf, refuseCrossSite } from '../guard.ts';
import { labelsOf } from '../labels.ts';
import { resolveName } from '../names.ts';
import { markServedBy } from '../served-by.ts';

export async function upstreamRoute(app: App, ctx: ApiContext): Promise<void> {
  const { req, res } = ctx;
  refuseCrossSite(req);
  const { router } = app;
  const target = req.url ?? '';
  const split = splitUpstream(router, target);
  if (split === null) return answerError(ctx, apiError('not-found', 'model not found'));
  const { model, rest } = split;
  if (rest === null)
    return answerRedirect(ctx, isRead(req.method) ? 301 : 308, `${pathOf(target)}/${rawQueryOf(target)}`);
  const refusal = ignoredPath(router, model, rest);
  if (refusal !== null) return answerError(ctx, apiError('model-not-loaded', refusal));

  const { ticket, grant } = await admit(router, passThroughArrival(app, ctx, split, rest), res);
  if (grant === null) {
    ctx.respond = false;
    return;
  }
  if (!grant.granted) return answerRefusal(ctx, grant);
  continueIfExpected(req, res, Number.POSITIVE_INFINITY);
  ctx.respond = false;
  markServedBy(ctx, grant.model.id, model);
  const { run, baseUrl } = grant;
  const result = await served(ticket, () =>
    app.upstreams.passThrough.web(req, res, { run, baseUrl, path: rest, onQuiet: ticket.quiet, sent: ctx.state }),
  );
  ctx.state.bytes = result.bytes;
  if (!wasServed(result)) return ticket.leave({ status: result.status, bytes: result.bytes });
  ticket.finish(serveReport(result));
  if (result.status === null && result.error !== null) {
    ctx.state.bytes = null;
    answerError(ctx, errorOfThrown(result.error));
  }
}

/** The model of an `/upstream/` target and what follows it, or null. */
export function splitUpstream(router: Router, target: string): UpstreamPath | null {
  const config = router.config();
  return splitUpstreamPath(target, (name) => resolveName(config, name));
}

/** The arrival of something that is passed through. */
export function passThroughArrival(
  app: App,
  ctx: Pick<ApiContext, 'req' | 'state'>,
  { model, name }: UpstreamPath,
  rest: string,
): Arrival {
  const { req, state } = ctx;
  const { client, session } = labelsOf(req, state.keyLabel, app.router.config());
  return {
    id: state.id,
    kind: 'passthrough',
    model,
    asked: name,
    client,
    session,
    method: req.method ?? '',
    endpoint: pathOf(rest),
    bytes: Number(req.headers['content-length'] ?? 0),
    streaming: false,
  };
}

/** Why this path may not start the model, or null: what a page left open keeps asking for must not load one. */
function ignoredPath(router: Router, model: ModelId, rest: string): string | null {
  if (router.state().models.get(model)?.run?.phase === 'ready') return null;
  const path = decoded(pathOf(rest));
  const ignored = router.config().ignorePaths ?? [];
  if (!ignored.some((pattern) => pattern.test(path))) return null;
  return `model ${model} is not loaded; path matches upstream.ignorePaths`;
}

/** A path that cannot be decoded is looked at as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}

function isRead(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD';
}
