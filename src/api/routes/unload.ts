/**
 * Unloading by hand (spec 3.7): everything, or one model. Answers when the models are gone; nothing else waits for it.
 */
import { answerError, answerText } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { labelsOf } from '../labels.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';

/** `GET /unload`: a GET that changes state, kept because scripts use it. */
export async function unloadAll(app: App, ctx: ApiContext): Promise<void> {
  await app.router.unload([], clientOf(app, ctx));
  answerText(ctx, 'OK');
}

export async function unloadAllJson(app: App, ctx: ApiContext): Promise<void> {
  await app.router.unload([], clientOf(app, ctx));
  ctx.body = { msg: 'ok' };
}

export async function unloadModel(app: App, ctx: ApiContext): Promise<void> {
  const config = app.router.config();
  const name = nameInPath(pathOf(ctx.req.url ?? ''), '/api/models/unload/');
  const model = resolveName(config, name);
  if (model === null) {
    answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, name)}`));
    return;
  }
  await app.router.unload([model], clientOf(app, ctx));
  answerText(ctx, 'OK');
}

function clientOf(app: App, ctx: ApiContext): string {
  return labelsOf(ctx.req, ctx.state.keyLabel, app.router.config()).client;
}
