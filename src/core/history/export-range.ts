/**
 * Where a slice of a log begins, so that what was going on then can be explained: it goes back to where the oldest of it
 * began. Must never go back further than the log does.
 */
import type { Position } from '../ids.ts';
import type { TimeTravel } from '../log/log.ts';
import type { State } from '../state.ts';

/** What has been open for longer keeps the slice from beginning where it was asked to. */
const CAUSES_MS = 3_600_000;

/** `wanted`: the position before the first event that is asked for. `first`: where the log begins. */
export async function sliceBase(
  log: Pick<TimeTravel, 'stateAt'>,
  wanted: Position,
  first: Position,
): Promise<Position> {
  if (wanted <= first) return first;
  return Math.max(first, Math.min(wanted, oldestOpen(await log.stateAt(wanted)) - 1));
}

function oldestOpen(state: Readonly<State>): Position {
  const since = state.at - CAUSES_MS;
  let oldest = Number.POSITIVE_INFINITY;
  const keep = (position: Position, at: number) => {
    if (at >= since) oldest = Math.min(oldest, position);
  };
  for (const { key, arrivedAt } of state.requests.values()) keep(key, arrivedAt);
  for (const { id, startedAt } of state.swaps.values()) keep(id, startedAt);
  for (const { run } of state.models.values()) if (run?.phase === 'starting') keep(run.run, run.startingAt);
  if (state.drain !== null) keep(state.drain.id, state.drain.since);
  return oldest;
}
