/**
 * `GET /api/explain…`: why everything waits now, what happened to a request, why a model is loaded or not (with `at=`: what
 * was decided about it nearest to that moment), what stands at a position. Sentences for people and the facts behind them;
 * `utc=1` for times in UTC.
 */
import { collectModel, type ExplainOptions, explainModel, explainNow } from '../../core/history/explain.ts';
import { explainPositionOf, explainRequestOf, nearestDecision } from '../../core/history/explain-log.ts';
import type { Moment } from '../../core/history/moment.ts';
import type { ModelId } from '../../core/ids.ts';
import { answerError } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { printable } from '../guard.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';
import { flagParam, queryOf } from '../query.ts';
import { findRequest } from './log-events.ts';
import { momentAt, pastOf } from './past.ts';

export function explainNowRoute(app: App, ctx: ApiContext): void {
  ctx.body = explainNow(app.router.state(), optionsOf(app, ctx));
}

export async function explainRequestRoute(app: App, ctx: ApiContext): Promise<void> {
  const options = optionsOf(app, ctx);
  const asked = nameInPath(pathOf(ctx.req.url ?? ''), '/api/explain/request/');
  const key = await findRequest(app, asked);
  const explanation = key === null ? null : await explainRequestOf(app.router.log, key, options);
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
  const at = momentAt(app, queryOf(ctx.req.url), 'at');
  if (model !== null && at !== null) return explainAt(app, ctx, model, at);
  const events = model === null ? [] : await collectModel(app.router.log, model);
  // Read after the log: the state must not be older than the events that are told about it.
  const explanation = model === null ? null : explainModel(app.router.state(), model, events, options);
  if (explanation === null) {
    answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, asked)}`));
    return;
  }
  ctx.body = explanation;
}

export async function explainPositionRoute(app: App, ctx: ApiContext): Promise<void> {
  const asked = nameInPath(pathOf(ctx.req.url ?? ''), '/api/explain/position/');
  const position = /^\d{1,15}$/.test(asked) ? Number(asked) : 0;
  const explanation = await explainPositionOf(app.router.log, position, optionsOf(app, ctx));
  if (explanation === null) {
    const has = `the log ends at ${app.router.log.durable}`;
    answerError(ctx, apiError('not-found', `explain position "${printable(asked)}": no such event, ${has}`));
    return;
  }
  ctx.body = explanation;
}

async function explainAt(app: App, ctx: ApiContext, model: ModelId, at: Moment): Promise<void> {
  const position = await nearestDecision(pastOf(app), model, at);
  if (position === null) {
    answerError(
      ctx,
      apiError('not-found', `explain "${model}": nothing was decided about it as far as the log goes back`),
    );
    return;
  }
  ctx.body = await explainPositionOf(app.router.log, position, optionsOf(app, ctx));
}

function optionsOf(app: App, ctx: ApiContext): ExplainOptions {
  return { now: app.router.now(), utc: flagParam(queryOf(ctx.req.url), 'utc') };
}
