/**
 * `POST /api/restart`: hands over to a successor with the same pid. Answers when that is decided: 202 before it begins, 409
 * with the reason (and what is wrong with the configuration) when it cannot come up, and then nothing has changed.
 */
import { renderDiagnostics } from '../../core/config/render.ts';
import { answerError } from '../answer.ts';
import type { ApiContext, App, RestartAnswer } from '../context.ts';
import { apiError } from '../error-body.ts';
import { labelsOf } from '../labels.ts';

export async function restartRoute(app: App, ctx: ApiContext): Promise<void> {
  if (app.restart === undefined) {
    answerError(ctx, apiError('conflict', 'restart: this turnout cannot hand over'));
    return;
  }
  const { started } = app.router.state();
  const answer = await app.restart(labelsOf(ctx.req, ctx.state.keyLabel, app.router.config()).client);
  ctx.status = answer.ok ? 202 : 409;
  // the position tells the start of the successor from those before it
  ctx.body = answer.ok
    ? { msg: 'restarting', pid: process.pid, started }
    : { error: { message: messageOf(answer), diagnostics: answer.diagnostics } };
}

function messageOf({ why, diagnostics }: RestartAnswer & { ok: false }): string {
  return [`not restarted: ${why}`, ...(diagnostics.length === 0 ? [] : [renderDiagnostics(diagnostics)])].join('\n');
}
