/** The state at the end of a log: what a start begins with. The log folds it itself, in its own thread. */
import type { Position } from '../ids.ts';
import type { TimeTravel } from '../log/log.ts';
import type { State } from '../state.ts';

/** `head` is the last position. The state belongs to the caller. */
export function foldLog(log: Pick<TimeTravel, 'stateAt'>, head: Position): Promise<State> {
  return log.stateAt(head);
}
