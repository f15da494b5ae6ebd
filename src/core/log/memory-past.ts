/**
 * Time travel in a log in memory: the events that it forgets are folded into a state as they go, so that every position
 * that it still holds can be told. Must never throw into `append`.
 */
import { TurnoutError } from '../errors.ts';
import { emptyState, evolve } from '../evolve.ts';
import type { Position } from '../ids.ts';
import type { State } from '../state.ts';
import { decodeState, encodeState } from '../state-codec.ts';
import { lineToRow, positionOf, rowToFold } from './codec.ts';
import type { MemoryLines } from './memory-lines.ts';

export interface MemoryPast {
  /** A line leaves the log. */
  left(line: string): void;
  /** Throws TurnoutError('not-found') for a position that was forgotten. */
  stateAt(position: Position, lines: MemoryLines): State;
  positionAt(time: number, lines: MemoryLines): Position;
}

export function createMemoryPast(): MemoryPast {
  const base = emptyState();
  let broken: unknown = null;

  return {
    left(line) {
      if (broken !== null) return;
      try {
        evolve(base, rowToFold(lineToRow(line)));
      } catch (error) {
        broken = error; // told to whoever asks for a state
      }
    },
    stateAt(position, lines) {
      if (broken !== null) {
        const message = `fold the event log up to event ${position}: an event before it does not fold: ${broken}`;
        throw new TurnoutError('log-damaged', message, { cause: broken });
      }
      if (position < base.position) {
        const message = `fold the event log up to event ${position}: this log in memory begins after event ${base.position}`;
        throw new TurnoutError('not-found', message);
      }
      const state = decodeState(encodeState(base));
      for (const line of lines.all(false)) {
        if (positionOf(line) > position) break;
        evolve(state, rowToFold(lineToRow(line)));
      }
      return state;
    },
    positionAt(time, lines) {
      let found = base.position;
      for (const line of lines.all(false)) {
        const [position, at] = lineToRow(line);
        if (at > time) break;
        found = position;
      }
      return found;
    },
  };
}
