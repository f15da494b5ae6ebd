/**
 * `POST /api/models/load/<model…>`: loads a model without asking it anything. It waits its turn like any request, holds no
 * place once the model is ready, and also ends a back-off.
 */

import { admit } from '../admission.ts';
import { answerError, answerRefusal } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';
import { apiError } from '../error-body.ts';
import { pathOf } from '../forward/path.ts';
import { labelsOf } from '../labels.ts';
import { nameInPath, nearestHelp, resolveName } from '../names.ts';

const PREFIX = '/api/models/load/';

export async function loadModel(app: App, ctx: ApiContext): Promise<void> {
  const { router } = app;
  const config = router.config();
  const asked = nameInPath(pathOf(ctx.req.url ?? ''), PREFIX);
  const model = resolveName(config, asked);
  if (model === null) {
    answerError(ctx, apiError('not-found', `model not found${nearestHelp(config, asked)}`));
    return;
  }
  const { client, session } = labelsOf(ctx.req, ctx.state.keyLabel, config);
  const arrival = { id: ctx.state.id, kind: 'load' as const, model, asked, client, session, method: 'POST' };
  const { ticket, grant } = await admit(
    router,
    { ...arrival, endpoint: PREFIX.slice(0, -1), bytes: 0, streaming: false },
    ctx.res,
  );
  if (grant === null) return;
  if (!grant.granted) return answerRefusal(ctx, grant);
  ticket.finish({ outcome: 'ok', status: 200, bytes: 0, firstByteMs: null, usage: null, error: null });
  const run = router.state().models.get(model)?.run;
  ctx.body = { msg: 'ok', loadMs: run?.phase === 'ready' ? run.loadMs : null };
}
