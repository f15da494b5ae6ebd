/**
 * What decide, settle and the planners' referee agree on: pure questions about a state. No function here changes
 * anything or returns events.
 */
import { loadEstimateMs } from './estimates.ts';
import type { ModelId, RequestKey, RunId } from './ids.ts';
import { LIMITS } from './limits.ts';
import type { ModelState, RequestState, State, SwapState } from './state.ts';

/** The part of a built-in planner that the kernel itself consults (kernel section 3). */
export interface Requirements {
  /** Models among `alive` that cannot stay beside `target`. Pure. */
  requires(target: ModelId, alive: Iterable<ModelId>): ModelId[];
  /** Whether a target that is ready already still evicts what was loaded beside it (groups do, spec 4.9). */
  readonly evictsWhenReady: boolean;
}

export function mustGet(state: Readonly<State>, id: ModelId): ModelState {
  const model = state.models.get(id);
  if (model === undefined) throw new Error(`look up model "${id}": expected a model of the state, got none`);
  return model;
}

/** The model whose live run this is, or null for a run that is over. */
export function modelOfRun(state: Readonly<State>, run: RunId): ModelState | null {
  for (const id of state.alive) {
    const model = state.models.get(id);
    if (model?.run?.run === run) return model;
  }
  return null;
}

/** Whether turnout is on its way out, be it with its models or without them. */
export function isEnding(state: Readonly<State>): boolean {
  return state.phase === 'draining' || state.phase === 'leaving';
}

/** The open swap to this target, if any. */
export function swapTo(state: Readonly<State>, target: ModelId): SwapState | null {
  for (const swap of state.swaps.values()) if (swap.target === target) return swap;
  return null;
}

/** The open swap that stops this model, if any. */
export function swapEvicting(state: Readonly<State>, model: ModelId): SwapState | null {
  for (const swap of state.swaps.values()) if (swap.evict.includes(model)) return swap;
  return null;
}

/** Models that are loaded, loading, stopping, or about to be loaded by a swap (spec 4.3). */
export function aliveOrComing(state: Readonly<State>, except: ModelId): ModelId[] {
  const ids = new Set<ModelId>(state.alive);
  for (const swap of state.swaps.values()) ids.add(swap.target);
  ids.delete(except);
  return [...ids];
}

/** Whether a run was started from a specification that is not the model's any more, or its model left the configuration. */
export function isStale(model: ModelState): boolean {
  return model.run !== null && (!model.configured || model.run.specDigest !== model.settings.specDigest);
}

/** A stale run whose model goes on serves no new request: they wait for the new run (kernel section 6). */
export function awaitsNewRun(model: ModelState): boolean {
  return model.configured && isStale(model);
}

/** Whether a request for this model may be granted now (spec 4.4 step 5). */
export function canServe(state: Readonly<State>, model: ModelState, rules: Requirements): boolean {
  if (model.run?.phase !== 'ready') return false;
  if (isDraining(state, model.id)) return false;
  if (awaitsNewRun(model)) return false;
  if (!rules.evictsWhenReady) return true;
  if (state.alive.size <= 1 && state.swaps.size === 0) return true;
  return rules.requires(model.id, aliveOrComing(state, model.id)).length === 0;
}

/** Whether a committed drain keeps new requests from this model. */
export function isDraining(state: Readonly<State>, model: ModelId): boolean {
  return state.drain?.evict.includes(model) ?? false;
}

/** Whether it serves a request that matters to others: quiet pass-through does not (kernel section 4). */
export function isBusy(model: ModelState): boolean {
  return model.serving.size > model.quiet.size;
}

/** Whether a swap may stop this model now: nobody is served by it, nobody is owed it, and it stayed long enough. */
export function mayLeave(model: ModelState, now: number): boolean {
  if (model.run === null || model.run.phase === 'stopping') return true;
  if (isBusy(model) || model.leases.size > 0) return false;
  if (model.run.phase === 'starting') return model.waiting.size === 0;
  return now >= residentUntil(model);
}

/** End of the model's minimum residency; 0 when it is not ready. */
export function residentUntil(model: ModelState): number {
  return model.run?.phase === 'ready' ? model.run.readyAt + model.settings.minResidencyMs : 0;
}

/** How long requests wait for a target before its evictees drain: scaled with what the swap costs (design section 5). */
export function maxWaitMs(state: Readonly<State>, target: ModelState, evict: readonly ModelId[]): number {
  if (state.settings.maxWaitMs !== null) return state.settings.maxWaitMs;
  let loads = loadEstimateMs(target);
  for (const id of evict) loads += loadEstimateMs(mustGet(state, id));
  return Math.max(LIMITS.maxWaitFloorMs, 2 * loads);
}

export function oldestWaiting(state: Readonly<State>, model: ModelState): RequestState | null {
  for (const key of model.waiting) return state.requests.get(key) ?? null;
  return null;
}

function highestPriority(state: Readonly<State>, keys: Iterable<RequestKey>): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const key of keys) highest = Math.max(highest, state.requests.get(key)?.priority ?? highest);
  return highest;
}

/**
 * When a target becomes overdue: `maxWait` after the later of its oldest arrival and the last evictee's ready, never
 * before the evictees' minimum residency (kernel section 4). An evictee's ready puts it off by no more than its own load
 * took: otherwise each of K others that is loaded ahead would put it off anew, and the bound would grow by K x maxWait.
 */
export function overdueAt(state: Readonly<State>, target: ModelState, evict: readonly ModelId[]): number {
  const oldest = oldestWaiting(state, target);
  if (oldest === null) return Number.POSITIVE_INFINITY;
  let ready = oldest.arrivedAt;
  let loads = 0;
  for (const id of evict) {
    const { run } = mustGet(state, id);
    if (run?.phase !== 'ready') continue;
    ready = Math.max(ready, run.readyAt);
    loads += run.loadMs;
  }
  const since = Math.min(ready, oldest.arrivedAt + loads);
  return Math.max(residencyEnd(state, evict), since + maxWaitMs(state, target, evict));
}

/** When the last of these models has stayed its minimum residency; 0 when none has to. */
function residencyEnd(state: Readonly<State>, ids: readonly ModelId[]): number {
  let end = 0;
  for (const id of ids) end = Math.max(end, residentUntil(mustGet(state, id)));
  return end;
}

/** Whether a target's waiters have a higher priority than everything that its evictees serve. */
function outranks(state: Readonly<State>, target: ModelState, evict: readonly ModelId[]): boolean {
  const wanted = highestPriority(state, target.waiting);
  return evict.length > 0 && evict.every((id) => highestPriority(state, mustGet(state, id).serving) < wanted);
}

/**
 * When a decided swap stops waiting for its evictees to become idle and drains them: when it is overdue; once their
 * residency is over if it outranks their traffic, or if the planner said so (precedence of kernel section 4).
 */
export function drainsAt(
  state: Readonly<State>,
  target: ModelState,
  pending: { evict: ModelId[]; drain: boolean },
): number {
  if (pending.drain || outranks(state, target, pending.evict)) return residencyEnd(state, pending.evict);
  return overdueAt(state, target, pending.evict);
}

/**
 * Targets in the order in which they are asked and started: the drain's, then overdue ones by age, then as a policy ranked
 * them, then by priority, then by age (precedence of kernel section 4). With anti-thrash a target that is not overdue counts
 * as younger by its load, divided by those that wait for it: who serves more people sooner goes first. Models that are
 * loading or serving their waiters already are left out.
 */
export function rankedTargets(state: Readonly<State>, now: number): ModelState[] {
  const ranked: { model: ModelState; key: [number, number, number, number] }[] = [];
  for (const id of state.targets) {
    const model = mustGet(state, id);
    if (swapTo(state, id) !== null || model.run?.phase === 'starting') continue;
    const age = oldestWaiting(state, model)?.arrivedAt ?? now;
    const committed = state.drain?.target === id;
    const overdue = committed || overdueAt(state, model, model.pending?.evict ?? []) <= now;
    const priority = overdue ? 0 : -highestPriority(state, model.waiting);
    const costs = state.settings.antiThrash && !overdue && model.run?.phase !== 'ready';
    const load = costs ? Math.ceil(loadEstimateMs(model) / model.waiting.size) : 0;
    const place = overdue ? 0 : placeIn(state.rank, id);
    ranked.push({ model, key: [committed ? 0 : overdue ? 1 : 2, place, priority, age + load] });
  }
  if (ranked.length < 2) return ranked.map((one) => one.model);
  ranked.sort((a, b) => a.key[0] - b.key[0] || a.key[1] - b.key[1] || a.key[2] - b.key[2] || a.key[3] - b.key[3]);
  return ranked.map((one) => one.model);
}

/** Those that a policy did not name come after all that it did. */
function placeIn(rank: readonly ModelId[], id: ModelId): number {
  const at = rank.indexOf(id);
  return at === -1 ? rank.length : at;
}

/** As configured. Clients choose their names, and one called `constructor` has no priority either. */
export function clientPriority({ settings }: Readonly<State>, client: string): number {
  return Object.hasOwn(settings.clientPriority, client) ? (settings.clientPriority[client] ?? 0) : 0;
}

/** Back-off after the n-th failed start in a row: 5 s doubling to 5 min (design section 6). */
export function backoffMs(failures: number): number {
  return Math.min(LIMITS.backoffMaxMs, LIMITS.backoffFirstMs * 2 ** Math.min(failures - 1, 30));
}

/** Seconds for a Retry-After header, at least 1. */
export function retryAfterSec(until: number, now: number): number {
  return Math.max(1, Math.ceil((until - now) / 1000));
}

/** What keeps a model from leaving, in words. */
export function busyWords(state: Readonly<State>, ids: readonly ModelId[], now: number): string {
  const words: string[] = [];
  for (const id of ids) {
    const model = mustGet(state, id);
    if (mayLeave(model, now)) continue;
    const size = model.serving.size - model.quiet.size;
    if (size > 0) words.push(`${id} is busy with ${size} request${size === 1 ? '' : 's'}`);
    else if (model.leases.size > 0 || model.run?.phase === 'starting') words.push(`${id} was just loaded for others`);
    else words.push(`${id} stays for its minimum residency`);
  }
  return words.length > 0 ? words.join(', ') : 'its turn comes next';
}

/** Why whatever would disturb the committed drain waits, in words. */
export function drainComesFirst(state: Readonly<State>): string {
  return `${state.drain?.target} waited longer and is served first`;
}
