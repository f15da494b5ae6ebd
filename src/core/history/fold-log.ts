/** The state at the end of a log, folded in pieces: no log is ever held in memory whole. */
import { emptyState, evolve } from '../evolve.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import type { LogReader } from './collect.ts';

const EVENTS_AT_ONCE = 20_000;

/** `head` is the last position. Positions may jump where events were lost; the fold goes on with what there is. */
export async function foldLog(log: LogReader, head: Position): Promise<State> {
  const state = emptyState();
  for (let from = 1; from <= head; ) {
    const events = await log.read({ from, limit: EVENTS_AT_ONCE });
    for (const event of events) evolve(state, event);
    const last = events.at(-1);
    if (last === undefined) break;
    from = last.position + 1;
  }
  return state;
}
