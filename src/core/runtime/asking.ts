/**
 * Asks the planner: one question outstanding at a time, an answer of an older epoch is dropped, after three drops or when
 * the answer takes too long the fallback answers (kernel section 3). Bookkeeping of the shell; nothing here is state.
 */
import type { PolicyVerdict, Verdict } from '../events.ts';
import { keptFromIdleLoads } from '../idle.ts';
import type { ModelId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import { LIMITS } from '../limits.ts';
import { type BuiltInPlanner, type Hints, NO_HINTS, type Planner } from '../plan.ts';
import { nextQuestion } from '../questions.ts';
import { checkVerdict } from '../referee.ts';
import { overdueAt } from '../rules.ts';
import type { BuiltInName } from '../settings.ts';
import type { State } from '../state.ts';
import { buildSharedView, type SharedView, type View, viewFor } from '../view.ts';

export interface PlannerSeat {
  name: string;
  version: string;
  /** A planner of the user's; null when the built-in one decides by itself. */
  planner: Planner | null;
  /** Decides when there is no other, and when the other one fails; its law of what stands together binds both. */
  fallback: BuiltInPlanner;
  /** What a policy may delegate to. */
  builtIn(name: BuiltInName): BuiltInPlanner;
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
    const seat = ports.seat();
    const hints = hintsFor(state, target, now);
    view.candidates = seat.fallback.candidates(view, hints);
    const epoch = state.planEpoch;
    const seed = seedOf(state.seed, state.position, target, ++askNo);
    asked.set(target, { epoch, at: now });

    const answer = (verdict: Verdict, by: { name: string; version: string }, via: 'live' | 'fallback' | 'delegate') => {
      stale = epoch === state.planEpoch ? 0 : stale + 1;
      if (epoch !== state.planEpoch) asked.delete(target);
      const planner = { name: by.name, version: by.version };
      const data = { epoch, viewPosition: view.position, viewNow: view.now, seed, planner, via, verdict };
      ports.post({ type: 'planner.answer', target, answer: data });
    };
    const fallBack = () => answer(seat.fallback.plan(view, hints), seat.fallback, 'fallback');
    const { planner } = seat;
    if (planner === null) return answer(seat.fallback.plan(view, hints), seat.fallback, 'live');

    /** What a user's planner said, once it is resolved and allowed; else the fallback decides. */
    const take = (said: PolicyVerdict) => {
      const { verdict, by, via } = resolve(said, seat, view, hints);
      const refusal = epoch === state.planEpoch ? checkVerdict(state, target, verdict, seat.fallback) : null;
      if (refusal !== null) ports.post({ type: 'planner.refused', target, refusal, verdict });
      if (refusal !== null || (verdict.action === 'wait' && isOverdue(state, target, now))) return fallBack();
      answer(verdict, by, via);
    };

    if (stale >= LIMITS.planStaleMax) return fallBack();
    let verdict: PolicyVerdict | PromiseLike<PolicyVerdict>;
    try {
      verdict = planner.plan(view);
    } catch {
      return fallBack();
    }
    if (!('then' in verdict)) return take(verdict);

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
      (late) => settleWith(() => take(late)),
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

/** A load for idleness leaves alone what is kept warm; a client's request knows no such hint. */
function hintsFor(state: Readonly<State>, target: ModelId, now: number): Hints {
  if (state.idleRequest === null || state.requests.get(state.idleRequest)?.model !== target) return NO_HINTS;
  return { protect: keptFromIdleLoads(state, now), prefer: [] };
}

/** Who decides and what: a policy may hand the question on to a built-in. */
export function resolve(
  said: PolicyVerdict,
  seat: PlannerSeat,
  view: View,
  hints: Hints,
): { verdict: Verdict; by: { name: string; version: string }; via: 'live' | 'fallback' | 'delegate' } {
  if (said.action !== 'delegate') return { verdict: said, by: seat, via: 'live' as const };
  const by = seat.builtIn(said.planner);
  const more = { protect: [...hints.protect, ...(said.protect ?? [])], prefer: said.prefer ?? [] };
  const verdict = by.plan({ ...view, candidates: by.candidates(view, more) }, more);
  return { verdict, by, via: 'delegate' as const };
}

/** At `maxWait` a planner's `wait` does not count any more (kernel section 4). */
function isOverdue(state: Readonly<State>, target: ModelId, now: number): boolean {
  const model = state.models.get(target);
  return model !== undefined && model.waiting.size > 0 && overdueAt(state, model, []) <= now;
}

/** A number that depends on all of these and nothing else (FNV-1a, 32 bit), so that a policy's randomness replays. */
function seedOf(routerSeed: number, position: number, target: string, askNo: number): number {
  let hash = 0x811c9dc5;
  for (const char of `${routerSeed}/${position}/${target}/${askNo}`) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash;
}
