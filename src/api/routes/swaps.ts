/**
 * `GET /api/swaps`: the swaps since a time (default: a day), what each cost and whom it was for, and sums by client or
 * model. Times are ms since 1970, durations ms.
 */
import { collectSwaps, sumSwaps } from '../../core/history/swaps.ts';
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext, App } from '../context.ts';
import { badParam, momentParam, numberParam, queryOf } from '../query.ts';
import { pastOf } from './past.ts';

const DAY_MS = 86_400_000;

export async function swapsRoute(app: App, ctx: ApiContext): Promise<void> {
  const query = queryOf(ctx.req.url);
  const now = app.router.now();
  const since = momentParam(query, 'since', now) ?? now - DAY_MS;
  const limit = numberParam(query, 'limit', 1, LIMITS.logQueryEventsMax) ?? LIMITS.logQueryEventsDefault;
  const by = query.get('by') ?? 'model';
  if (by !== 'client' && by !== 'model') throw badParam('by', by, '"client" or "model"');
  const log = pastOf(app);
  const from = (await log.positionAt(since - 1)) + 1;
  const swaps = await collectSwaps(log, { from, limit });
  ctx.body = { since, swaps, sums: sumSwaps(swaps, by) };
}
