/**
 * What the parts of the fold share: the type of the table, and looking things up. Must never change a state itself.
 */
import type { EventOf, EventType } from './events.ts';
import type { ModelId, RunId } from './ids.ts';
import type { ModelState, Run, State } from './state.ts';

/** What each event does to a state. No entry may be missing: the compiler is the checklist. */
export type Fold = { [T in EventType]: (state: State, event: EventOf<T>) => void };

export const nothing = (): void => {};

/** The model of an event. A log that begins in the middle (after a damaged one was set aside) may not know it yet. */
export function modelOf(state: State, id: ModelId | undefined): ModelState | undefined {
  return id === undefined ? undefined : state.models.get(id);
}

/** The live run with this number, or null for a late report of an old one. */
export function liveRun(state: State, id: ModelId | undefined, run: RunId): Run | null {
  const model = modelOf(state, id);
  return model?.run?.run === run ? model.run : null;
}
