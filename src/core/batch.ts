/** Drafts in the making: knows which position each will get, so that one can name another of the same batch. */
import type { Draft } from './events.ts';
import type { Position } from './ids.ts';
import type { State } from './state.ts';

export interface Batch {
  readonly drafts: Draft[];
  /** Adds a draft and returns the position that it will have. */
  add(draft: Draft): Position;
}

export function newBatch(state: Readonly<State>): Batch {
  const drafts: Draft[] = [];
  return { drafts, add: (draft) => state.position + drafts.push(draft) };
}
