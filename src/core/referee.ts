/**
 * The referee of planners' answers: whatever one says is checked against the state now (kernel section 3). Must never
 * change a verdict, only refuse it.
 */
import type { Verdict } from './events.ts';
import { heldBy } from './holds.ts';
import type { ModelId } from './ids.ts';
import { aliveOrComing, awaitsNewRun, isDraining, mustGet, type Requirements, swapEvicting, swapTo } from './rules.ts';
import type { State } from './state.ts';

/** Why a verdict is not allowed: a stable rule name and a sentence. */
export interface Refusal {
  rule:
    | 'not-ready'
    | 'redirected-twice'
    | 'unknown-model'
    | 'duplicate'
    | 'target-evicted'
    | 'pinned'
    | 'protected'
    | 'held-by-swap'
    | 'overcommit';
  detail: string;
}

/**
 * Checks a swap against the state now (kernel section 3). Busy victims are not an error. Returns null when it is allowed.
 */
export function checkPlan(
  state: Readonly<State>,
  target: ModelId,
  evict: readonly ModelId[],
  rules: Requirements,
): Refusal | null {
  const seen = new Set<ModelId>();
  for (const id of evict) {
    if (!state.models.has(id)) return { rule: 'unknown-model', detail: `"${id}" is not a model of this configuration` };
    if (seen.has(id)) return { rule: 'duplicate', detail: `"${id}" is named twice` };
    if (id === target) return { rule: 'target-evicted', detail: `"${id}" is the model that is asked for` };
    const hold = heldBy(state, id);
    if (hold !== null && mustGet(state, id).run !== null) {
      return { rule: hold.rule, detail: `"${id}" is ${hold.rule} by ${hold.owner}` };
    }
    const holder = swapEvicting(state, id) ?? swapTo(state, id);
    if (holder !== null) {
      return { rule: 'held-by-swap', detail: `"${id}" belongs to the swap to "${holder.target}" that is under way` };
    }
    seen.add(id);
  }
  const survivors = aliveOrComing(state, target).filter((id) => !seen.has(id));
  const conflict = rules.requires(target, survivors);
  if (conflict.length > 0) {
    return { rule: 'overcommit', detail: `"${target}" cannot be loaded beside "${conflict.join('", "')}"` };
  }
  for (const swap of state.swaps.values()) {
    if (rules.requires(swap.target, [target]).length === 0) continue;
    return { rule: 'held-by-swap', detail: `"${swap.target}" is being loaded and needs the room of "${target}"` };
  }
  return null;
}

/** Checks a redirect against the state now: only to a model that is ready and stays, once per request. */
export function checkRedirect(
  state: Readonly<State>,
  target: ModelId,
  { model: to, requests }: Extract<Verdict, { action: 'redirect' }>,
): Refusal | null {
  const model = state.models.get(to);
  if (model === undefined) return { rule: 'unknown-model', detail: `"${to}" is not a model of this configuration` };
  if (to === target) return { rule: 'not-ready', detail: `"${to}" is the model that is asked for` };
  if (model.run?.phase !== 'ready' || awaitsNewRun(model)) return { rule: 'not-ready', detail: `"${to}" is not ready` };
  if (swapEvicting(state, to) !== null || isDraining(state, to)) {
    return { rule: 'held-by-swap', detail: `"${to}" is about to be stopped` };
  }
  const waiting = [...mustGet(state, target).waiting].map((key) => state.requests.get(key));
  const named = waiting.filter((one) => one !== undefined && (requests === undefined || requests.includes(one.id)));
  if (named.some((one) => one?.redirectedFrom === null)) return null;
  return { rule: 'redirected-twice', detail: `no request that waits for "${target}" can be moved (once more)` };
}

/** Checks whatever a planner said; null when it is allowed (waiting and refusing always are). */
export function checkVerdict(
  state: Readonly<State>,
  target: ModelId,
  verdict: Verdict,
  rules: Requirements,
): Refusal | null {
  if (verdict.action === 'swap') return checkPlan(state, target, verdict.evict, rules);
  return verdict.action === 'redirect' ? checkRedirect(state, target, verdict) : null;
}

/** Whether a swap would disturb what a committed drain has reserved (kernel section 4). */
export function disturbsDrain(
  state: Readonly<State>,
  target: ModelId,
  evict: readonly ModelId[],
  rules: Requirements,
): boolean {
  const { drain } = state;
  if (drain === null || drain.target === target) return false;
  if (drain.evict.includes(target) || evict.includes(drain.target)) return true;
  if (evict.some((id) => drain.evict.includes(id))) return true;
  if (rules.requires(target, [drain.target]).length > 0) return true;
  // What will be there once the drain is over: sums count, not pairs.
  const beside = aliveOrComing(state, drain.target).filter((id) => !drain.evict.includes(id) && !evict.includes(id));
  if (rules.requires(drain.target, [...new Set([...beside, target])]).length === 0) return false;
  return rules.requires(drain.target, [target]).length > 0 || rules.requires(drain.target, beside).length === 0;
}
