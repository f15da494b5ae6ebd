/**
 * Whether turnout is well. `/health` says exactly `OK` unless requests for healthy models cannot be served (design
 * section 9): a 503 makes container engines restart turnout and unload everything. `/api/health` has the details.
 */
import { answerText } from '../answer.ts';
import type { ApiContext, App } from '../context.ts';

export function health(app: App, ctx: ApiContext): void {
  const { ok, notes } = app.router.health();
  if (ok) answerText(ctx, 'OK');
  else answerText(ctx, `not OK: ${notes.join('; ')}\n`, 503);
}

/** 200 even where `ok` is false: it is an answer about health, not a health check. */
export function apiHealth(app: App, ctx: ApiContext): void {
  const { router } = app;
  const { ok, notes, diagnostics } = router.health();
  const { phase } = router.state();
  // The position shown is the last durable one: nothing outside may see a later one (kernel section 1).
  ctx.body = {
    ok,
    notes,
    diagnostics,
    version: app.version.version,
    position: router.log.durable,
    phase,
    log: router.log.status(),
  };
}
