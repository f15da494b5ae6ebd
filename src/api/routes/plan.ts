/**
 * `GET /api/plan?model=X`: what a request for this model would lead to now, and how long it would take. A dry run: it
 * starts nothing, evicts nothing and records nothing.
 */
import type { ApiContext, App } from '../context.ts';
import { badParam, queryOf } from '../query.ts';
import { namedModel } from './named-model.ts';

export async function planRoute(app: App, ctx: ApiContext): Promise<void> {
  const { router } = app;
  const name = queryOf(ctx.req.url).get('model') ?? '';
  if (name === '') throw badParam('model', name, 'the name of a model');
  ctx.body = await router.plan(namedModel(router.config(), name));
}
