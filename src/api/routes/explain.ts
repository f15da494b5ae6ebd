/**
 * `GET /api/explain…`: why everything waits now, what happened to a request, why a model is loaded or not. Sentences for
 * people and the facts behind them; `utc=1` for times in UTC.
 */
import {
  collectModel,
  collectRequest,
  type ExplainOptions,
  explainModel,
  explainNow,
  explainRequest,
} from '../../core/history/explain.ts';
import { answerError } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { printable } from '../guard.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';
import { flagParam, queryOf } from '../query.ts';
import { findRequest } from './log-events.ts';

export function explainNowRoute(app: App, ctx: ApiContext): void {
  ctx.body = explainNow(app.router.state(), optionsOf(app, ctx));
}

export async function explainRequestRoute(app: App, ctx: ApiContext): Promise<void> {
  const options = optionsOf(app, ctx);
  const asked = nameInPath(pathOf(ctx.req.url ?? ''), '/api/explain/request/');
  const key = await findRequest(app, asked);
  const explanation = key === null ? null : explainRequest(await collectRequest(app.router.log, key), key, options);
  if (explanation === null) {
    answerError(ctx, apiError('not-found', `explain request "${printable(asked)}": no such request in the log`));
    return;
  }
  ctx.body = explanation;
}

export async function explainModelRoute(app: App, ctx: ApiContext): Promise<void> {
  const options = optionsOf(app, ctx);
  const config = app.router.config();
  const asked = nameInPath(pathOf(ctx.req.url ?? ''), '/api/explain/model/');
  const model = resolveName(config, asked);
  const events = model === null ? [] : await collectModel(app.router.log, model);
  // Read after the log: the state must not be older than the events that are told about it.
  const explanation = model === null ? null : explainModel(app.router.state(), model, events, options);
  if (explanation === null) {
    answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, asked)}`));
    return;
  }
  ctx.body = explanation;
}

function optionsOf(app: App, ctx: ApiContext): ExplainOptions {
  return { now: app.router.now(), utc: flagParam(queryOf(ctx.req.url), 'utc') };
}
