/** Views and settings for tests of the budget planner: what a test does not name is an idle, unasked, loaded model. */
import { modelId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { NO_HINTS } from '../../src/core/plan.ts';
import type { Memory, ModelSettings, Settings } from '../../src/core/settings.ts';
import type { ModelView, View } from '../../src/core/view.ts';
import { budgetPlanner } from '../../src/policies/budget.ts';

export const GIB = 1024 ** 3;
export const NOW = 1_000_000_000;
const MINUTE = 60_000;

/** GiB anywhere, or by device; made whole bytes, as they are in a configuration. null = not known. */
export type Sizes = number | Record<string, number> | null;

export interface ModelSpec {
  size?: Sizes;
  declared?: Sizes;
  phase?: ModelView['phase'];
  idleMin?: number | null;
  askedAgoMin?: number[];
  perHour?: number;
  loadSec?: number;
  ttlMin?: number;
  settings?: Partial<ModelSettings>;
  view?: Partial<ModelView>;
}

export interface Scene {
  target: string;
  devices?: Record<string, number>;
  models: Record<string, ModelSpec>;
  view?: Partial<View>;
  protect?: string[];
  prefer?: string[];
}

export function inBytes(sizes: Sizes): Memory | null {
  if (sizes === null || typeof sizes === 'number') return sizes === null ? null : Math.round(sizes * GIB);
  return Object.fromEntries(Object.entries(sizes).map(([device, size]) => [device, Math.round(size * GIB)]));
}

/** Everything at once: the planner, the view that it is asked about, and its answer. */
export function ask(scene: Scene) {
  const { planner, view, hints } = stage(scene);
  const candidates = planner.candidates(view, hints);
  const asked = { ...view, candidates };
  return { planner, view: asked, hints, candidates, verdict: planner.plan(asked, hints) };
}

export function stage(scene: Scene) {
  const settings = settingsOf(scene);
  const view = viewOf(scene);
  const planner = budgetPlanner(settings, (id) => view.models.find((model) => model.id === id)?.memory.counts ?? null);
  const hints = { ...NO_HINTS, protect: (scene.protect ?? []).map(modelId), prefer: (scene.prefer ?? []).map(modelId) };
  return { planner, view, hints, settings };
}

function settingsOf({ devices = { gpu0: 24 }, models }: Scene): Settings {
  return {
    models: Object.entries(models).map(([id, spec]): ModelSettings => {
      return {
        id: modelId(id),
        group: '(default)',
        concurrencyLimit: LIMITS.concurrencyDefault,
        ttlMs: (spec.ttlMin ?? 0) * MINUTE,
        stopGraceMs: 10_000,
        startTimeoutMs: 120_000,
        minResidencyMs: 0,
        priority: 0,
        port: null,
        specDigest: id,
        memory: inBytes(declaredOf(spec)),
        tags: [],
        context: 0,
        keepWarm: [],
        onDemand: { action: 'load' },
        ...spec.settings,
      };
    }),
    groups: [],
    planner: 'budget',
    fallback: 'budget',
    matrix: null,
    devices: Object.entries(devices).map(([id, size]) => ({ id, bytes: Math.round(size * GIB) })),
    memoryWaitMs: LIMITS.memoryWaitMs,
    protect: { models: [], otherwise: 'queue' },
    whenIdle: null,
    zone: { name: 'UTC', offsets: [{ from: 0, offsetMin: 0 }] },
    clientPriority: {},
    antiThrash: true,
    maxWaitMs: null,
    queueTimeoutMs: LIMITS.queueTimeoutMs,
    drainTimeoutMs: LIMITS.drainTimeoutMs,
    onTrouble: 'serve',
  };
}

function declaredOf(spec: ModelSpec): Sizes {
  return spec.declared === undefined ? sizeOf(spec) : spec.declared;
}

function sizeOf({ size = 0 }: ModelSpec): Sizes {
  return size;
}

function viewOf(scene: Scene): View {
  return {
    position: 1,
    now: NOW,
    local: { iso: '2026-01-05T12:00:00+00:00', weekday: 1, hour: 12, minute: 0, offsetMin: 0 },
    target: modelId(scene.target),
    asking: [],
    waiting: [],
    waitingTotal: { [scene.target]: 1 },
    models: Object.entries(scene.models).map(([id, spec]) => modelView(id, spec, id === scene.target)),
    swaps: [],
    draining: null,
    devices: [],
    whenProtected: 'queue',
    candidates: [],
    ...scene.view,
  };
}

function modelView(id: string, spec: ModelSpec, isTarget: boolean): ModelView {
  const phase = spec.phase ?? (isTarget ? 'stopped' : 'ready');
  const idleMs = spec.idleMin === undefined ? 10 * MINUTE : spec.idleMin === null ? null : spec.idleMin * MINUTE;
  const load = spec.loadSec === undefined ? null : spec.loadSec * 1_000;
  return {
    id: modelId(id),
    phase,
    group: '(default)',
    tags: [],
    priority: 0,
    inFlight: 0,
    serving: [],
    lastClient: null,
    stale: false,
    idleMs: phase === 'ready' ? idleMs : null,
    loadedMs: phase === 'ready' ? 20 * MINUTE : null,
    loadMs: { last: load, median: load },
    requestsLastHour: spec.perHour ?? 0,
    askedAgoMs: (spec.askedAgoMin ?? []).map((minutes) => minutes * MINUTE),
    cachedTokens: null,
    prefillPerSecond: null,
    context: 0,
    memory: { declared: inBytes(declaredOf(spec)), observed: null, counts: inBytes(sizeOf(spec)) },
    pinned: null,
    protected: false,
    etaMs: null,
    evictable: true,
    ...spec.view,
  };
}
