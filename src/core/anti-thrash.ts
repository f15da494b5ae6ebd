/**
 * Anti-thrash, for every planner: a model that is usually asked for again after a short pause is not swapped out in such
 * a pause. Bounded: never beyond the moment at which the waiting target is overdue, never against an operator or a higher
 * priority. Pure; ms.
 */
import { loadEstimateMs } from './estimates.ts';
import type { ModelId } from './ids.ts';
import { clientPriority, isBusy, mustGet, overdueAt } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** A model is waited for this much of the pause that was found worth it: times between arrivals hold the answer too. */
const PATIENCE = 0.75;
/** Share of a model's load that is lost when it is swapped out and asked for again at once. */
const LOSS = 0.75;

interface Pending {
  evict: ModelId[];
  drain: boolean;
}

/** Until when a swap that could begin is put off, because its victims are likely to be asked for at once; 0 = it is not. */
export function staysUntil(state: Readonly<State>, target: ModelState, pending: Pending): number {
  let until = 0;
  for (const { at } of staying(state, target, pending)) until = Math.max(until, at);
  return until === 0 ? 0 : Math.min(until, overdueAt(state, target, pending.evict));
}

/** Why a swap is put off at `now`, in words: names those of its victims that it is put off for. */
export function staysWords(state: Readonly<State>, target: ModelState, pending: Pending, now: number): string {
  const ids = staying(state, target, pending).flatMap(({ id, at }) => (at > now ? [id] : []));
  return `${ids.join(' and ')} ${ids.length === 1 ? 'is' : 'are'} likely to be asked for again at once`;
}

/** Victims for which it pays to wait, and until when each. */
function staying(state: Readonly<State>, target: ModelState, { evict, drain }: Pending): { id: ModelId; at: number }[] {
  if (!state.settings.antiThrash || drain || state.drain?.target === target.id) return [];
  const found: { id: ModelId; at: number }[] = [];
  for (const id of evict) {
    const victim = mustGet(state, id);
    if (victim.run?.phase !== 'ready' || victim.idleSince === null || isBusy(victim)) continue;
    if (mayInsist(state, target, victim)) continue;
    const stayMs = worthwhilePauseMs(victim, target.waiting.size);
    if (stayMs > 0) found.push({ id, at: victim.idleSince + stayMs });
  }
  return found;
}

/** Whether somebody waits who need not stand back: an operator, or a priority above that of the victim's last client. */
function mayInsist(state: Readonly<State>, target: ModelState, victim: ModelState): boolean {
  const usual = victim.settings.priority + clientPriority(state, victim.lastClient ?? '');
  for (const key of target.waiting) {
    const request = state.requests.get(key);
    if (request !== undefined && (request.kind === 'load' || request.priority > usual)) return true;
  }
  return false;
}

/**
 * How long after its last answer it pays to wait for a model's next request: of the pauses that were seen, the one that
 * would have cost least, where every ms counts for each that waits, and every pause that was longer than the patience
 * costs the patience and a load. 0 = swapping at once is cheapest.
 */
function worthwhilePauseMs(model: ModelState, waiting: number): number {
  const pauses = pausesOf(model).sort((a, b) => a - b);
  const lossMs = loadEstimateMs(model) * LOSS;
  let least = pauses.length * lossMs;
  let best = 0;
  let met = 0;
  pauses.forEach((pause, i) => {
    const patience = Math.ceil(pause * PATIENCE);
    const missed = pauses.length - 1 - i;
    met += pause;
    const cost = waiting * (met + missed * patience) + missed * lossMs;
    if (cost >= least) return;
    least = cost;
    best = patience;
  });
  return best;
}

/** Times between the last arrivals. */
function pausesOf({ asked }: ModelState): number[] {
  return asked.recent.slice(1).map((at, i) => at - (asked.recent[i] as number));
}
