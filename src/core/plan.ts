/**
 * The planners' side of the kernel: what a planner is, the view that it is given, and the referee of its answers. A
 * planner answers one question (a request waits for `target`, which is not serving: what now?) and never acts.
 * Built-ins and user policies get the same view; there is no privileged path.
 */
import type { Verdict } from './events.ts';
import type { ModelId, RequestId } from './ids.ts';
import { LIMITS } from './limits.ts';
import {
  aliveOrComing,
  isBusy,
  isStale,
  loadEstimateMs,
  mayLeave,
  mustGet,
  type Requirements,
  rankedTargets,
  residentUntil,
  swapEvicting,
  swapTo,
} from './rules.ts';
import type { ModelState, RequestState, State } from './state.ts';

/** One model as a planner sees it. Times are ms. */
export interface ModelView {
  id: ModelId;
  phase: 'stopped' | 'starting' | 'ready' | 'stopping';
  group: string;
  priority: number;
  inFlight: number;
  serving: { request: RequestId; client: string; session: string | null; priority: number; ageMs: number }[];
  lastClient: string | null;
  /** Its run was started from an older configuration and ends when it serves nobody. */
  stale: boolean;
  /** Since its last request ended (or it became ready); null while it is not ready. */
  idleMs: number | null;
  /** Since it became ready; null while it is not. */
  loadedMs: number | null;
  loadMs: { last: number | null; median: number | null };
  /** Whether a swap could stop it now, else what is in the way. */
  evictable: true | { rule: 'busy' | 'lease' | 'minResidency' | 'swap'; until?: number };
}

export interface WaitingView {
  request: RequestId;
  model: ModelId;
  ageMs: number;
  client: string;
  session: string | null;
  priority: number;
  endpoint: string;
  bytes: number;
  streaming: boolean;
}

/** A JSON-plain picture of the state at one position. Sizes are bytes, times ms. */
export interface View {
  position: number;
  now: number;
  /** The model that requests wait for, and those requests, oldest first. */
  target: ModelId;
  asking: RequestId[];
  /** The first 256 waiting requests, oldest first, and how many wait for each model. */
  waiting: WaitingView[];
  waitingTotal: Record<string, number>;
  /** In the order of the config. */
  models: ModelView[];
  swaps: { target: ModelId; evict: ModelId[]; phase: 'stopping' | 'starting'; ageMs: number }[];
  draining: { target: ModelId; evict: ModelId[] } | null;
}

export interface Planner {
  plan(view: View): Verdict | PromiseLike<Verdict>;
}

/** A planner that is part of turnout: pure, answers at once, and can tell what cannot stand beside a target. */
export interface BuiltInPlanner extends Planner, Requirements {
  readonly name: string;
  readonly version: string;
  plan(view: View): Verdict;
}

/** The parts of a view that do not depend on the target; built once per epoch. */
export type SharedView = Omit<View, 'target' | 'asking'>;

export function buildSharedView(state: Readonly<State>, now: number): SharedView {
  const waiting: WaitingView[] = [];
  const waitingTotal: Record<string, number> = {};
  for (const id of state.targets) waitingTotal[id] = mustGet(state, id).waiting.size;
  for (const request of state.requests.values()) {
    if (request.granted !== null) continue;
    waiting.push(waitingView(request, now));
    if (waiting.length >= LIMITS.viewWaitingMax) break;
  }
  return {
    position: state.position,
    now,
    waiting,
    waitingTotal,
    models: [...state.models.values()].map((model) => modelView(state, model, now)),
    swaps: [...state.swaps.values()].map((swap) => ({
      target: swap.target,
      evict: swap.evict,
      phase: swap.run === null ? 'stopping' : 'starting',
      ageMs: now - swap.startedAt,
    })),
    draining: state.drain === null ? null : { target: state.drain.target, evict: state.drain.evict },
  };
}

export function viewFor(state: Readonly<State>, shared: SharedView, target: ModelId): View {
  const asking = [...mustGet(state, target).waiting].map((key) => (state.requests.get(key) as RequestState).id);
  return { ...shared, target, asking };
}

function waitingView(request: RequestState, now: number): WaitingView {
  const { id, model, client, session, priority, endpoint, bytes, streaming, arrivedAt } = request;
  return { request: id, model, ageMs: now - arrivedAt, client, session, priority, endpoint, bytes, streaming };
}

function modelView(state: Readonly<State>, model: ModelState, now: number): ModelView {
  const { run, settings } = model;
  return {
    id: model.id,
    phase: run === null ? 'stopped' : run.phase,
    group: settings.group,
    priority: settings.priority,
    inFlight: model.serving.size,
    serving: [...model.serving].map((key) => {
      const { id, client, session, priority, arrivedAt } = state.requests.get(key) as RequestState;
      return { request: id, client, session, priority, ageMs: now - arrivedAt };
    }),
    lastClient: model.lastClient,
    stale: isStale(model),
    idleMs: isBusy(model) ? 0 : model.idleSince === null ? null : now - model.idleSince,
    loadedMs: run?.phase === 'ready' ? now - run.readyAt : null,
    loadMs: {
      last: model.loadMs.at(-1) ?? null,
      median: model.loadMs.length === 0 ? null : loadEstimateMs(model),
    },
    evictable: evictable(state, model, now),
  };
}

function evictable(state: Readonly<State>, model: ModelState, now: number): ModelView['evictable'] {
  if (swapEvicting(state, model.id) !== null || swapTo(state, model.id) !== null) return { rule: 'swap' };
  if (mayLeave(model, now)) return true;
  if (isBusy(model)) return { rule: 'busy' };
  if (model.leases.size > 0 || model.run?.phase === 'starting') return { rule: 'lease' };
  return { rule: 'minResidency', until: residentUntil(model) };
}

/** Why a verdict is not allowed: a stable rule name and a sentence. */
export interface Refusal {
  rule: 'unknown-model' | 'duplicate' | 'target-evicted' | 'held-by-swap' | 'overcommit';
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
  return rules.requires(drain.target, [target]).length > 0 || rules.requires(target, [drain.target]).length > 0;
}

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
  if (pending !== null) return pending.evict.every((id) => mayLeave(mustGet(state, id), now));
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
