/**
 * Asks the planner: one question outstanding at a time, an answer of an older epoch is dropped, after three drops or when
 * the answer takes too long the fallback answers (kernel section 3). Bookkeeping of the shell; nothing here is state.
 */
import type { Verdict } from '../events.ts';
import type { ModelId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import { LIMITS } from '../limits.ts';
import { type BuiltInPlanner, buildSharedView, nextQuestion, type Planner, type SharedView, viewFor } from '../plan.ts';
import type { State } from '../state.ts';

export interface PlannerSeat {
  name: string;
  version: string;
  planner: Planner;
  /** Answers when the planner does not; always a built-in. */
  fallback: BuiltInPlanner;
}

export interface Asking {
  readonly asked: Map<ModelId, { epoch: number; at: number }>;
  /** Asks the next question if one is owed and none is outstanding. Returns whether it did. */
  askNext(now: number): boolean;
  outstanding(): boolean;
}

export interface AskingPorts {
  state: Readonly<State>;
  seat(): PlannerSeat;
  post(input: Input): void;
  /** Calls back after so many ms; returns the way to cancel. */
  after(ms: number, then: () => void): () => void;
}

export function createAsking(ports: AskingPorts): Asking {
  const { state } = ports;
  const asked: Asking['asked'] = new Map();
  let outstanding: { target: ModelId; epoch: number; cancel: () => void } | null = null;
  let shared: SharedView | null = null;
  let askNo = 0;
  let stale = 0;

  function ask(target: ModelId, now: number): void {
    if (shared === null || shared.position !== state.position || shared.now !== now)
      shared = buildSharedView(state, now);
    const view = viewFor(state, shared, target);
    const epoch = state.planEpoch;
    const seed = seedOf(state.seed, state.position, target, ++askNo);
    const seat = ports.seat();
    asked.set(target, { epoch, at: now });

    const answer = (verdict: Verdict, by: { name: string; version: string }, via: 'live' | 'fallback') => {
      stale = epoch === state.planEpoch ? 0 : stale + 1;
      if (epoch !== state.planEpoch) asked.delete(target);
      const planner = { name: by.name, version: by.version };
      const data = { epoch, viewPosition: view.position, viewNow: view.now, seed, planner, via, verdict };
      ports.post({ type: 'planner.answer', target, answer: data });
    };
    const fallBack = () => answer(seat.fallback.plan(view), seat.fallback, 'fallback');

    if (stale >= LIMITS.planStaleMax) return fallBack();
    let verdict: Verdict | PromiseLike<Verdict>;
    try {
      verdict = seat.planner.plan(view);
    } catch {
      return fallBack();
    }
    if (!('then' in verdict)) return answer(verdict, seat, 'live');

    const mine = { target, epoch, cancel: () => {} };
    outstanding = mine;
    const settleWith = (act: () => void) => {
      if (outstanding !== mine) return;
      outstanding = null;
      mine.cancel();
      act();
    };
    mine.cancel = ports.after(LIMITS.planAnswerMs, () => settleWith(fallBack));
    verdict.then(
      (late) => settleWith(() => answer(late, seat, 'live')),
      () => settleWith(fallBack),
    );
  }

  return {
    asked,
    askNext(now) {
      if (outstanding !== null) return false;
      for (const id of asked.keys()) if (!state.targets.has(id)) asked.delete(id);
      const target = nextQuestion(state, now, asked);
      if (target === null) return false;
      ask(target, now);
      return true;
    },
    outstanding: () => outstanding !== null,
  };
}

/** A number that depends on all of these and nothing else (FNV-1a, 32 bit), so that a policy's randomness replays. */
function seedOf(routerSeed: number, position: number, target: string, askNo: number): number {
  let hash = 0x811c9dc5;
  for (const char of `${routerSeed}/${position}/${target}/${askNo}`) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash;
}
