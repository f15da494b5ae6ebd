/**
 * Which target a planner must be asked about next, and when one is asked again. Pure; what was asked is bookkeeping of the
 * shell and handed in.
 */
import { staysUntil } from './anti-thrash.ts';
import type { ModelId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { mayLeave, mustGet, rankedTargets } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** What the shell remembers of its questions: when, and in which epoch, each target was last asked. */
export type Asked = ReadonlyMap<ModelId, { epoch: number; at: number }>;

/**
 * The next target that a planner must be asked about, or null. A target is asked once per epoch; again when what its
 * answer waited for has come, or its deadline passed (kernel section 3).
 */
export function nextQuestion(state: Readonly<State>, now: number, asked: Asked): ModelId | null {
  if (state.phase !== 'running' || state.targets.size === 0) return null;
  let looked = 0;
  for (const model of rankedTargets(state, now)) {
    if (++looked > LIMITS.planTargetsPerPass) return null;
    if (owesQuestion(state, model, now, asked)) return model.id;
  }
  return null;
}

function owesQuestion(state: Readonly<State>, model: ModelState, now: number, asked: Asked): boolean {
  if (isCommitted(state, model.id)) return false;
  const { pending, blocked } = model;
  if (pending !== null && pending.epoch === state.planEpoch) return false;
  const last = asked.get(model.id);
  if (last?.epoch !== state.planEpoch || (pending === null && blocked === null)) return true;
  if (pending !== null) {
    const free = pending.evict.every((id) => mayLeave(mustGet(state, id), now));
    return free && staysUntil(state, model, pending) <= now;
  }
  const again = askAgainAt(model, asked);
  return again !== null && again <= now;
}

/** When a blocked target is asked again although nothing changed; null = only on a change. */
export function askAgainAt(model: ModelState, asked: Asked): number | null {
  const until = model.blocked?.until ?? null;
  if (until === null) return null;
  return Math.max(until, (asked.get(model.id)?.at ?? 0) + LIMITS.waitMinMs);
}

/** Whether a drain for this target has been decided: nobody is asked any more, its victims only have to become idle. */
export function isCommitted(state: Readonly<State>, target: ModelId): boolean {
  return state.drain?.target === target && state.drain.swap === null;
}
