/**
 * The inference routes (spec 3.2 to 3.4): read the body, find the model, wait for a grant, relay the answer, report how it
 * went. One flow for all paths; what differs stands in the table of paths.
 * Must never answer after the client left, and never leave an admitted request without its end.
 */
import { admit, type Granted, served } from '../admission.ts';
import { answerError, answerRefusal } from '../answer.ts';
import { setTopLevel } from '../body/edit-json.ts';
import { findModel } from '../body/find-model.ts';
import { readBody } from '../body/read-body.ts';
import type { ApiContext, App, Handler } from '../context.ts';
import { continueIfExpected } from '../continue.ts';
import { dialectOf } from '../dialect.ts';
import { apiError, errorOfThrown } from '../error-body.ts';
import { requestHeaders } from '../forward/headers.ts';
import { relay } from '../forward/relay.ts';
import { type RelayResult, serveReport, wasServed } from '../forward/result.ts';
import { rawQueryOf, refuseBlindCrossSite } from '../guard.ts';
import { INFERENCE_PATHS, type InferencePath } from '../inference-paths.ts';
import { labelsOf } from '../labels.ts';
import { nearestHelp, resolveName } from '../names.ts';
import { markServedBy } from '../served-by.ts';

/** Handlers by path and method, for the lookup before the router. */
export function inferenceRoutes(app: App): Map<string, Map<string, Handler>> {
  const routes = new Map<string, Map<string, Handler>>();
  for (const route of INFERENCE_PATHS) {
    const methods = routes.get(route.path) ?? new Map<string, Handler>();
    methods.set(route.method, (ctx) => infer(app, ctx, route));
    routes.set(route.path, methods);
  }
  return routes;
}

/** What the body said. */
interface Asked {
  model: string;
  streaming: boolean;
  body: Buffer;
  /** `Content-Encoding` was undone. */
  decoded: boolean;
  wireBytes: number;
}

async function infer(app: App, ctx: ApiContext, route: InferencePath): Promise<void> {
  refuseBlindCrossSite(ctx.req);
  const asked = await readAsked(app, ctx);
  if (asked === null) return;
  const { router } = app;
  const config = router.config();
  const model = resolveName(config, asked.model);
  const { client, session } = labelsOf(ctx.req, ctx.state.keyLabel, config);
  const { ticket, grant } = await admit(
    router,
    {
      id: ctx.state.id,
      kind: 'inference',
      model,
      asked: asked.model,
      client,
      session,
      method: route.method,
      endpoint: route.forwardedPath,
      bytes: asked.wireBytes,
      streaming: asked.streaming,
    },
    ctx.res,
  );
  if (grant === null) {
    ctx.respond = false;
    return;
  }
  if (!grant.granted) {
    if (grant.code !== 'unknown-model') return answerRefusal(ctx, grant);
    return answerError(
      ctx,
      apiError('unknown-model', `no router for requested model${nearestHelp(config, asked.model)}`),
    );
  }
  const passed: Passed = { asked, grant, redirected: markServedBy(ctx, grant.model.id, model) };
  const result = await served(ticket, () => forward(app, ctx, route, passed, (reason) => ticket.retried(reason)));
  ctx.state.bytes = result.bytes;
  if (!wasServed(result)) {
    ctx.respond = false;
    ticket.leave({ status: result.status, bytes: result.bytes });
    return;
  }
  ticket.finish(serveReport(result));
  if (result.status === null && result.error !== null) {
    ctx.state.bytes = null;
    answerError(ctx, errorOfThrown(result.error));
  }
}

/** Null when the request is over: answered, or its client gone. */
async function readAsked(app: App, ctx: ApiContext): Promise<Asked | null> {
  const { req, res } = ctx;
  const maxBytes = app.router.config().turnout.maxBodyBytes;
  continueIfExpected(req, res, maxBytes);
  const read = await readBody(req, { maxBytes });
  if (read.gone) {
    ctx.respond = false;
    return null;
  }
  const { body, decoded, wireBytes } = read;
  const query = rawQueryOf(req.url ?? '').slice(1);
  const found = findModel({ method: req.method ?? '', contentType: req.headers['content-type'], query, body });
  if (found.model === null) {
    answerError(ctx, apiError('no-model', 'no model id could be identified'));
    return null;
  }
  return { model: found.model, streaming: found.streaming, body, decoded, wireBytes };
}

/** What is passed on, and to whom. */
interface Passed {
  asked: Asked;
  grant: Granted;
  /** It is served by another model than the one that was asked for. */
  redirected: boolean;
}

function forward(
  app: App,
  ctx: ApiContext,
  route: InferencePath,
  passed: Passed,
  onRetry: (reason: string) => void,
): Promise<RelayResult> {
  const { req, res } = ctx;
  const { asked, grant } = passed;
  const { model, run, baseUrl } = grant;
  const pool = app.upstreams.pools.of(run, baseUrl, model.timeouts);
  const body = bodyFor(passed, req.headers['content-type']);
  const usage = route.method === 'POST';
  const headers = requestHeaders(req.rawHeaders, {
    remoteAddress: req.socket.remoteAddress,
    bodyDecoded: asked.decoded,
    readUsage: usage,
  });
  ctx.respond = false;
  return relay({
    pool,
    request: {
      method: route.method,
      path: route.forwardedPath + rawQueryOf(req.url ?? ''),
      headers,
      body: route.method === 'POST' ? body : null,
    },
    res,
    dialect: dialectOf(route.forwardedPath),
    readUsage: usage,
    responseHeaderMs: model.timeouts.responseHeaderMs,
    addHeaders: ['x-turnout-request-id', ctx.state.id],
    sent: ctx.state,
    shouldRetry: () => {
      const live = app.router.state().models.get(model.id)?.run;
      return live?.run === run && live.phase === 'ready';
    },
    onRetry,
  });
}

/**
 * `useModelName` is set in JSON bodies (spec 3.4); without it the client's name goes on unchanged, unless another model
 * serves, to which that name means nothing.
 */
function bodyFor({ asked, grant, redirected }: Passed, contentType: string | undefined): Buffer {
  const { id, useModelName } = grant.model;
  const name = useModelName === '' && redirected ? id : useModelName;
  if (name === '' || !(contentType ?? '').toLowerCase().includes('application/json')) return asked.body;
  return setTopLevel(asked.body, 'model', name);
}
