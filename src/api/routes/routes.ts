/**
 * The table of routes: exact inference paths in a map, looked up before anything else, `/upstream/` by its prefix, all
 * other paths through koa-router. Says 404 for unknown paths and 405 with `Allow` for wrong methods (spec 3.1).
 */
import KoaRouter from 'koa-router';
import { answerRedirect, answerUnknownPath, answerWrongMethod, identify } from '../answer.ts';
import type { ApiContext, App, Handler } from '../context.ts';
import { pathOf } from '../forward/path.ts';
import { refuseCrossSite } from '../guard.ts';
import { compactLog } from './compact.ts';
import { explainModelRoute, explainNowRoute, explainPositionRoute, explainRequestRoute } from './explain.ts';
import { forgetModel } from './forget.ts';
import { apiHealth, health } from './health.ts';
import { inferenceRoutes } from './inference.ts';
import { loadModel } from './load.ts';
import { logEvents } from './log-events.ts';
import { logStream, logs } from './logs.ts';
import { listModels } from './models.ts';
import { modelOutput } from './output.ts';
import { pinModel, unpinModel } from './pin.ts';
import { planRoute } from './plan.ts';
import { processes } from './ps.ts';
import { restartRoute } from './restart.ts';
import { running } from './running.ts';
import { configSchemaRoute } from './schema.ts';
import { stateRoute } from './state.ts';
import { swapsRoute } from './swaps.ts';
import { unloadAll, unloadAllJson, unloadModel } from './unload.ts';
import { upstreamRoute } from './upstream.ts';

type Bound = (app: App, ctx: ApiContext) => Promise<void> | void;

/** Routes of the operations and of turnout's own API. `cross` marks those that no page of another site may ask for. */
const TABLE: { method: 'GET' | 'POST'; path: string; handle: Bound; cross?: 'refused' }[] = [
  { method: 'GET', path: '/', handle: (_, ctx) => answerRedirect(ctx, 302, '/ui') },
  { method: 'GET', path: '/upstream', handle: (_, ctx) => answerRedirect(ctx, 302, '/ui/models') },
  { method: 'GET', path: '/health', handle: health },
  { method: 'GET', path: '/wol-health', handle: health },
  { method: 'GET', path: '/v1/models', handle: listModels },
  { method: 'GET', path: '/models', handle: listModels },
  { method: 'GET', path: '/running', handle: running },
  { method: 'GET', path: '/unload', handle: unloadAll, cross: 'refused' },
  { method: 'GET', path: '/logs', handle: logs },
  { method: 'GET', path: '/logs/stream', handle: logStream },
  { method: 'GET', path: '/logs/stream/', handle: logStream },
  { method: 'GET', path: '/logs/stream/*rest', handle: logStream },
  { method: 'GET', path: '/schema/config.json', handle: configSchemaRoute },
  { method: 'GET', path: '/api/version', handle: (app, ctx) => versionRoute(app, ctx) },
  { method: 'GET', path: '/api/health', handle: apiHealth },
  { method: 'GET', path: '/api/ps', handle: processes },
  { method: 'GET', path: '/api/plan', handle: planRoute },
  { method: 'GET', path: '/api/log', handle: logEvents },
  { method: 'POST', path: '/api/log/compact', handle: compactLog, cross: 'refused' },
  { method: 'GET', path: '/api/state', handle: stateRoute },
  { method: 'GET', path: '/api/swaps', handle: swapsRoute },
  { method: 'GET', path: '/api/explain', handle: explainNowRoute },
  { method: 'GET', path: '/api/explain/request/*rest', handle: explainRequestRoute },
  { method: 'GET', path: '/api/explain/position/*rest', handle: explainPositionRoute },
  { method: 'GET', path: '/api/explain/model/*rest', handle: explainModelRoute },
  { method: 'POST', path: '/api/restart', handle: restartRoute, cross: 'refused' },
  { method: 'POST', path: '/api/models/unload', handle: unloadAllJson, cross: 'refused' },
  { method: 'POST', path: '/api/models/unload/*rest', handle: unloadModel, cross: 'refused' },
  { method: 'POST', path: '/api/models/load/*rest', handle: loadModel, cross: 'refused' },
  { method: 'POST', path: '/api/models/pin/*rest', handle: pinModel, cross: 'refused' },
  { method: 'POST', path: '/api/models/unpin/*rest', handle: unpinModel, cross: 'refused' },
  { method: 'POST', path: '/api/models/forget/*rest', handle: forgetModel, cross: 'refused' },
  { method: 'GET', path: '/api/models/output/*rest', handle: modelOutput },
  { method: 'GET', path: '/favicon.ico', handle: (_, ctx) => answerUnknownPath(ctx) },
];

/** The one handler behind the outer middleware. Answers of inference paths are identified where they are written. */
export function routesOf(app: App): Handler {
  const inference = inferenceRoutes(app);
  const others = koaRoutes(app);
  return (ctx) => {
    const path = pathOf(ctx.req.url ?? '');
    const exact = inference.get(path);
    const handler = exact?.get(ctx.req.method ?? '');
    if (handler !== undefined) return handler(ctx);
    identify(ctx);
    if (exact !== undefined) return answerWrongMethod(ctx, exact.keys());
    if (path.startsWith('/upstream/')) return upstreamRoute(app, ctx);
    return others(ctx);
  };
}

function koaRoutes(app: App): Handler {
  const router = new KoaRouter({ strict: true, sensitive: true, exclusive: true } as KoaRouter.IRouterOptions);
  for (const { method, path, handle, cross } of TABLE) {
    router.register(path, method === 'GET' ? ['GET'] : ['POST'], (ctx: unknown) => {
      const context = ctx as ApiContext;
      if (cross === 'refused') refuseCrossSite(context.req);
      return handle(app, context);
    });
  }
  const dispatch = router.routes();
  return (ctx) => {
    const context = ctx as unknown as Parameters<typeof dispatch>[0] & { matched?: { methods: string[] }[] };
    return dispatch(context, () => {
      const methods = (context.matched ?? []).flatMap((layer) => layer.methods);
      if (methods.length > 0) answerWrongMethod(ctx, methods);
      else answerUnknownPath(ctx);
      return Promise.resolve();
    });
  };
}

function versionRoute(app: App, ctx: ApiContext): void {
  const { version, commit, buildDate } = app.version;
  ctx.body = { version, commit, build_date: buildDate };
}
