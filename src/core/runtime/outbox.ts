/**
 * Holds effects on processes until the event that orders them is durable (kernel section 1). Neither input nor state: a
 * restart makes it anew from what the state owes.
 */
import type { Effect } from '../effects.ts';
import type { Position } from '../ids.ts';

export interface Outbox {
  add(position: Position, effect: Effect): void;
  /** Performs what became allowed, in order. */
  release(durable: Position): void;
  /** Performs those that need not wait any longer: the log is in trouble and must not stop the work (kernel section 7). */
  releaseWhere(allowed: (effect: Effect) => boolean): void;
  size(): number;
}

export function createOutbox(perform: (effect: Effect) => void): Outbox {
  let held: { position: Position; effect: Effect }[] = [];
  const take = (isDue: (one: { position: Position; effect: Effect }) => boolean) => {
    const due = held.filter(isDue);
    if (due.length === 0) return;
    held = held.filter((one) => !isDue(one));
    for (const { effect } of due) perform(effect);
  };
  return {
    add: (position, effect) => {
      held.push({ position, effect });
    },
    release: (durable) => {
      if (held.length > 0) take((one) => one.position <= durable);
    },
    releaseWhere: (allowed) => {
      if (held.length > 0) take((one) => allowed(one.effect));
    },
    size: () => held.length,
  };
}
