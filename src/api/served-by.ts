/**
 * Says on an answer that another model served than the one that was asked for. Must never make an answer fail: ids may hold
 * what no header may.
 */
import type { ModelId } from '../core/ids.ts';
import type { ApiContext } from './context.ts';

/** Sets `x-turnout-model` when a request was redirected; returns whether it was. Call before the head is written. */
export function markServedBy(ctx: ApiContext, serving: ModelId, asked: ModelId | null): boolean {
  if (serving === asked) return false;
  ctx.res.setHeader('x-turnout-model', headerText(serving));
  return true;
}

/** Whatever is not visible ASCII percent-encoded. */
function headerText(id: string): string {
  return id.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}
