/**
 * Asks the planner: one question outstanding at a time, an answer of an older epoch is dropped, after three drops or when
 * the answer takes too long the fallback answers (kernel section 3). Bookkeeping of the shell; nothing here is state.
 */
import type { DecidedBy, PolicyVerdict, Verdict } from '../events.ts';
import { keptFromIdleLoads } from '../idle.ts';
import type { ModelId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import { LIMITS } from '../limits.ts';
import { type BuiltInPlanner, type Hints, NO_HINTS, type Planner, type Said } from '../plan.ts';
import { nextQuestion } from '../questions.ts';
import { checkVerdict } from '../referee.ts';
import { overdueAt } from '../rules.ts';
import type { BuiltInName } from '../settings.ts';
import type { State } from '../state.ts';
import { buildSharedView, type SharedView, type View, viewFor } from '../view.ts';

export interface PlannerSeat extends DecidedBy {
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
  /** After an answer was given: for onlookers. */
  answered?(view: View, seed: number, verdict: Verdict, resolve: (said: PolicyVerdict) => Verdict): void;
}

export function createAsking(ports: AskingPorts): Asking {
  const { state } = ports;
  const asked: Asking['asked'] = new Map();
  let outstanding: { cancel: () => void } | null = null;
  let ranked = '';
  let idled: { epoch: number; quiet: boolean; wakeAt: number | null } = { epoch: -1, quiet: false, wakeAt: null };
  let shared: SharedView | null = null;
  let askNo = 0;
  let stale = 0;
  /** Targets about which the planner gave an answer that is not allowed: it is not asked again in that epoch. */
  const refusedIn = new Map<ModelId, number>();

  function ask(target: ModelId, now: number): void {
    const view = viewFor(state, sharedNow(now), target);
    const seat = ports.seat();
    const hints = hintsFor(state, target, now);
    view.candidates = seat.fallback.candidates(view, hints);
    const epoch = state.planEpoch;
    const seed = seedOf(state.seed, state.position, target, ++askNo);
    asked.set(target, { epoch, at: now });

    const answer = (verdict: Verdict, by: DecidedBy, via: 'live' | 'fallback' | 'delegate', logs: string[] = []) => {
      stale = epoch === state.planEpoch ? 0 : stale + 1;
      if (epoch !== state.planEpoch) asked.delete(target);
      const planner = decidedBy(by);
      const written = logs.length === 0 ? {} : { logs };
      const data = { epoch, viewPosition: view.position, viewNow: view.now, seed, planner, via, verdict, ...written };
      ports.post({ type: 'planner.answer', target, answer: data });
      ports.answered?.(view, seed, verdict, (said) => resolve(said, seat, view, hints).verdict);
    };
    const { planner } = seat;
    const isInCharge = state.settings.planner !== 'policy';
    const fallBack = () =>
      answer(seat.fallback.plan(view, hints), seat.fallback, isInCharge && planner === null ? 'live' : 'fallback');
    if (planner === null) return fallBack();

    /** What a user's planner said, once it is resolved and allowed; else the fallback decides. */
    const take = (said: Said) => {
      const { verdict: wanted, logs } = 'verdict' in said ? said : { verdict: said, logs: [] };
      const { verdict, by, via } = resolve(wanted, seat, view, hints);
      const refusal = epoch === state.planEpoch ? checkVerdict(state, target, verdict, seat.fallback) : null;
      if (refusal !== null) {
        refusedIn.set(target, epoch);
        withoutQuestions(() => {
          ports.post({ type: 'planner.refused', target, refusal, verdict });
          planner.refused?.(refusal);
        });
      }
      if (refusal !== null || (verdict.action === 'wait' && isOverdue(state, target, now))) return fallBack();
      answer(verdict, by, via, logs);
    };

    if (stale >= LIMITS.planStaleMax || refusedIn.get(target) === epoch) return fallBack();
    let verdict: Said | PromiseLike<Said>;
    try {
      verdict = planner.plan(view, seed);
    } catch {
      return fallBack();
    }
    if (!('then' in verdict)) return take(verdict);

    waitFor(verdict, take, fallBack);
  }

  /** One question is outstanding at a time; what comes after its deadline does not count. */
  function waitFor<T>(answer: PromiseLike<T>, take: (answer: T) => void, giveUp: () => void): void {
    const mine = { cancel: () => {} };
    outstanding = mine;
    const settleWith = (act: () => void) => {
      if (outstanding !== mine) return;
      outstanding = null;
      mine.cancel();
      act();
    };
    mine.cancel = ports.after(LIMITS.planAnswerMs, () => settleWith(giveUp));
    answer.then(
      (late) => settleWith(() => take(late)),
      () => settleWith(giveUp),
    );
  }

  /** Nobody is asked while this is posted: the answer that belongs to it comes next. */
  function withoutQuestions(post: () => void): void {
    outstanding = { cancel: () => {} };
    post();
    outstanding = null;
  }

  /** Asks for the order of the targets, once for each set of them and epoch. Returns whether it did. */
  function askRank(now: number): boolean {
    const { planner } = ports.seat();
    if (planner?.rank === undefined || state.targets.size < 2) return false;
    const about = `${state.planEpoch} ${[...state.targets].join('\n')}`;
    if (about === ranked) return false;
    ranked = about;
    const epoch = state.planEpoch;
    const seed = seedOf(state.seed, state.position, 'rank', ++askNo);
    const take = (order: ModelId[] | null) => ports.post({ type: 'policy.ranked', epoch, order: order ?? [] });
    waitFor(planner.rank(sharedNow(now), seed), take, () => ports.post({ type: 'clock.reached' }));
    return true;
  }

  /** Asks what to do while nothing waits: after each change, when the last request ended, and when the policy wanted it. */
  function askIdle(now: number): boolean {
    const { planner } = ports.seat();
    if (planner?.idle === undefined || state.targets.size > 0 || state.phase !== 'running') return false;
    const isDue = state.policyWakeAt !== null && state.policyWakeAt <= now && idled.wakeAt !== state.policyWakeAt;
    const quiet = state.requests.size === 0;
    const isNew = idled.epoch !== state.planEpoch || (quiet && !idled.quiet);
    idled.quiet = quiet;
    if (!isNew && !isDue) return false;
    idled = { epoch: state.planEpoch, quiet, wakeAt: isDue ? state.policyWakeAt : idled.wakeAt };
    const { epoch } = idled;
    const seed = seedOf(state.seed, state.position, 'idle', ++askNo);
    waitFor(
      planner.idle(sharedNow(now), seed),
      (verdict) => ports.post({ type: 'policy.idle', epoch, verdict: verdict ?? { action: 'none' } }),
      () => ports.post({ type: 'clock.reached' }),
    );
    return true;
  }

  function sharedNow(now: number): SharedView {
    if (shared === null || shared.position !== state.position || shared.now !== now)
      shared = buildSharedView(state, now);
    return shared;
  }

  return {
    asked,
    askNext(now) {
      if (outstanding !== null) return false;
      for (const id of asked.keys()) if (!state.targets.has(id)) asked.delete(id);
      for (const id of refusedIn.keys()) if (!state.targets.has(id)) refusedIn.delete(id);
      if (askRank(now)) return true;
      const target = nextQuestion(state, now, asked);
      if (target === null) return askIdle(now);
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
): { verdict: Verdict; by: DecidedBy; via: 'live' | 'fallback' | 'delegate' } {
  if (said.action !== 'delegate') return { verdict: said, by: seat, via: 'live' as const };
  const by = said.planner === undefined ? seat.fallback : seat.builtIn(said.planner);
  const more = { protect: [...hints.protect, ...(said.protect ?? [])], prefer: said.prefer ?? [] };
  const verdict = by.plan({ ...view, candidates: by.candidates(view, more) }, more);
  // who was asked stands with who answered: it takes both to decide so again
  const { sourceHash, optionsHash } = seat;
  const asked = {
    ...(sourceHash === undefined ? {} : { sourceHash }),
    ...(optionsHash === undefined ? {} : { optionsHash }),
  };
  return { verdict, by: { name: by.name, version: by.version, ...asked }, via: 'delegate' as const };
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

/** What of a planner stands in a decision. */
function decidedBy({ name, version, sourceHash, optionsHash }: DecidedBy): DecidedBy {
  return {
    name,
    version,
    ...(sourceHash === undefined ? {} : { sourceHash }),
    ...(optionsHash === undefined ? {} : { optionsHash }),
  };
}
