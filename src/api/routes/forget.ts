/**
 * `POST /api/models/forget/<model…>`: drops what was observed of a model's memory, so that its declared size counts alone
 * until it was observed again. Answers when that is on disk.
 */
import type { ApiContext, App } from '../context.ts';
import { labelsOf } from '../labels.ts';
import { modelInPath } from './named-model.ts';

export async function forgetModel(app: App, ctx: ApiContext): Promise<void> {
  const model = modelInPath(app, ctx, '/api/models/forget/');
  await app.router.forget(model, labelsOf(ctx.req, ctx.state.keyLabel, app.router.config()).client);
  ctx.body = { msg: 'ok', model };
}
