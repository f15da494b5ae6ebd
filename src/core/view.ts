/**
 * The View: a JSON-plain picture of the state at one position, as every planner gets it. Times are ms, sizes bytes. Built
 * once per epoch but for the target's own part. Must never hold a prompt, a key or a header value.
 */
import { asksLastHour } from './demand.ts';
import { etaMs, loadEstimateMs } from './estimates.ts';
import { heldBy } from './holds.ts';
import type { ModelId, RequestId } from './ids.ts';
import { LIMITS } from './limits.ts';
import { type LocalTime, localTime } from './local-time.ts';
import { memoryOf, observedOf, poolOf } from './memory.ts';
import { isBusy, isStale, mayLeave, mustGet, residentUntil, swapEvicting, swapTo } from './rules.ts';
import type { Memory } from './settings.ts';
import type { ModelState, RequestState, State } from './state.ts';

export interface ServingView {
  request: RequestId;
  client: string;
  session: string | null;
  priority: number;
  ageMs: number;
}

export interface ModelView {
  id: ModelId;
  phase: 'stopped' | 'starting' | 'ready' | 'stopping';
  group: string;
  tags: string[];
  priority: number;
  inFlight: number;
  serving: ServingView[];
  lastClient: string | null;
  /** Its run was started from an older configuration and ends when it serves nobody. */
  stale: boolean;
  /** Since its last request ended (or it became ready); null while it is not ready. */
  idleMs: number | null;
  /** Since it became ready; null while it is not. */
  loadedMs: number | null;
  loadMs: { last: number | null; median: number | null };
  /** Requests that arrived for it in the last hour, and how long ago the last few did, newest first. */
  requestsLastHour: number;
  askedAgoMs: number[];
  /** Tokens that its prompt cache is likely to hold, and how fast it reads new ones; null where nothing is known. */
  cachedTokens: number | null;
  prefillPerSecond: number | null;
  /** Longest prompt in tokens, as configured; 0 = not told. */
  context: number;
  /** What is declared and what was observed, and what counts: reserved while it is alive, else expected; null = not known. */
  memory: { declared: Memory | null; observed: Record<string, number> | null; counts: Memory | null };
  pinned: { owner: string; until: number | null } | null;
  protected: boolean;
  /** Expected ms until it could serve, were it started now (or until the start under way is done); null when it can. */
  etaMs: number | null;
  /** Whether a swap could stop it now, else what is in the way. */
  evictable: true | { rule: 'busy' | 'lease' | 'minResidency' | 'swap' | 'pinned' | 'protected'; until?: number };
}

export interface WaitingView extends ServingView {
  model: ModelId;
  endpoint: string;
  bytes: number;
  streaming: boolean;
}

export interface DeviceView {
  id: string;
  totalBytes: number;
  /** Observed; null without a tool that tells. */
  freeBytes: number | null;
  /** By runs that are alive or about to start, where their size is known by device. */
  reservedBytes: number;
}

/** A set of models that could be evicted for the target: legal under its planner, nothing pinned or protected in it. */
export interface Candidate {
  evict: ModelId[];
  /** Bytes that would be free then, where the planner counts memory; else 0. */
  frees: number;
  /** Expected ms of loading again what is evicted, weighted by how likely that is. */
  reloadMs: number;
  reason: string;
}

export interface View {
  position: number;
  now: number;
  local: LocalTime;
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
  devices: DeviceView[];
  /** What a request gets for which something pinned or protected would have to leave. */
  whenProtected: 'refuse' | 'queue';
  /** Legal evictions under the built-in planner (for a policy: its fallback), cheapest first, at most 20. */
  candidates: Candidate[];
}

/** The parts of a view that do not depend on the target; built once per epoch. */
export type SharedView = Omit<View, 'target' | 'asking' | 'candidates'>;

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
    local: localTime(state.settings.zone, now + state.wallStepsMs),
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
    devices: state.settings.devices.map(({ id, bytes }) => deviceView(state, id, bytes)),
    whenProtected: state.settings.protect.otherwise,
  };
}

/** `candidates` are still empty. */
export function viewFor(state: Readonly<State>, shared: SharedView, target: ModelId): View {
  const asking = [...mustGet(state, target).waiting].map((key) => (state.requests.get(key) as RequestState).id);
  return { ...shared, target, asking, candidates: [] };
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
    tags: settings.tags,
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
    requestsLastHour: asksLastHour(model.asked, now),
    askedAgoMs: model.asked.recent.map((at) => now - at).reverse(),
    cachedTokens: model.cache?.tokens ?? null,
    prefillPerSecond: model.cache?.prefillPerSecond ?? null,
    context: settings.context,
    memory: {
      declared: settings.memory,
      observed: observedOf(model.memorySamples),
      counts: memoryOf(state, model),
    },
    pinned: model.pin,
    protected: state.settings.protect.models.includes(model.id),
    etaMs: etaMs(state, model, now),
    evictable: evictable(state, model, now),
  };
}

function evictable(state: Readonly<State>, model: ModelState, now: number): ModelView['evictable'] {
  if (swapEvicting(state, model.id) !== null || swapTo(state, model.id) !== null) return { rule: 'swap' };
  const held = heldBy(state, model.id);
  if (held !== null && model.run !== null) {
    return { rule: held.rule, ...(held.until === null ? {} : { until: held.until }) };
  }
  if (mayLeave(model, now)) return true;
  if (isBusy(model)) return { rule: 'busy' };
  if (model.leases.size > 0 || model.run?.phase === 'starting') return { rule: 'lease' };
  return { rule: 'minResidency', until: residentUntil(model) };
}

function deviceView(state: Readonly<State>, id: string, bytes: number): DeviceView {
  const seen = state.devices.get(id);
  const pool = poolOf(state.settings.devices);
  const isOnlyInPool = pool.length === 1 && pool[0]?.id === id;
  let reservedBytes = 0;
  for (const model of state.models.values()) {
    const coming = model.run !== null || swapTo(state, model.id) !== null;
    const memory = coming ? memoryOf(state, model) : null;
    if (memory === null) continue;
    if (typeof memory !== 'number') reservedBytes += memory[id] ?? 0;
    else if (isOnlyInPool) reservedBytes += memory;
  }
  const freeBytes = seen === undefined ? null : Math.max(0, seen.totalBytes - seen.usedBytes);
  return { id, totalBytes: bytes, freeBytes, reservedBytes };
}
