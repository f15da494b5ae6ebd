/**
 * `POST /api/log/compact`: old events leave the log now, as the configuration has it, and free room is given back. Answers
 * when that is done, with what became of it; requests are served meanwhile.
 */
import type { ApiContext, App } from '../context.ts';

export async function compactLog(app: App, ctx: ApiContext): Promise<void> {
  ctx.body = await app.router.compact();
}
