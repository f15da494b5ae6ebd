/**
 * Anti-thrash, for every planner: a model that is asked for again and again is not swapped out in the short pause between
 * two of its requests. Bounded: never beyond the moment at which the waiting target is overdue. Pure.
 */
import { loadEstimateMs } from './estimates.ts';
import type { ModelId } from './ids.ts';
import { drainsAt, mustGet } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Until when a swap that could begin is put off, because its victims are likely to be asked for at once; 0 = it is not. */
export function staysUntil(
  state: Readonly<State>,
  target: ModelState,
  pending: { evict: ModelId[]; drain: boolean },
): number {
  if (!state.settings.antiThrash || state.drain?.target === target.id) return 0;
  let until = 0;
  for (const id of pending.evict) until = Math.max(until, expectedUntil(mustGet(state, id)));
  return until === 0 ? 0 : Math.min(until, drainsAt(state, target, pending));
}

/** End of the pause in which the next request is likely, as gaps between the last ones were; 0 when there is none. */
function expectedUntil(model: ModelState): number {
  const { recent } = model.asked;
  if (model.run?.phase !== 'ready' || model.idleSince === null || recent.length < 3) return 0;
  const gaps = recent
    .slice(1)
    .map((at, i) => at - (recent[i] as number))
    .sort((a, b) => a - b);
  const usual = gaps[Math.floor(gaps.length / 2)] as number;
  const worth = loadEstimateMs(model) / 2;
  return usual > worth ? 0 : model.idleSince + Math.min(worth, 2 * usual);
}
