/**
 * A Router without a kernel: what is admitted is recorded and granted as the test says; events that the test adds go
 * through the real fold and the real memory log.
 */
import type { Config, ModelConfig } from '../../src/core/config/config.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import type { EventData, EventType, TurnoutEvent } from '../../src/core/events.ts';
import { VERSION } from '../../src/core/events.ts';
import { emptyState, evolve } from '../../src/core/evolve.ts';
import { type ModelId, modelId, type RequestKey, type RunId, requestId } from '../../src/core/ids.ts';
import type { Arrival, ServeReport } from '../../src/core/inputs.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import type { PlanPreview } from '../../src/core/runtime/preview-types.ts';
import type { Grant, HealthReport, Router, Ticket } from '../../src/core/runtime/router.ts';
import type { Settings } from '../../src/core/settings.ts';
import type { State } from '../../src/core/state.ts';

export interface Admitted {
  arrival: Arrival;
  ended: { how: 'left'; status: number | null; bytes: number } | { how: 'finished'; report: ServeReport } | null;
  retried: string[];
  /** Answers a request that waits. */
  settle(grant: Grant): void;
}

export interface FakeRouter extends Router {
  admitted: Admitted[];
  unloaded: { models: ModelId[]; by: string }[];
  /** How often the log was to be compacted. */
  compacted: number;
  /** What a dry run says. */
  onPlan: (model: ModelId) => PlanPreview;
  /** What a request gets at once; null lets it wait for `settle`. */
  onAdmit: (arrival: Arrival) => Grant | null;
  report: HealthReport;
  /** Appends an event, folds it, and shows it to subscribers once it is durable. */
  add<T extends EventType>(
    type: T,
    data: EventData[T],
    links?: { model?: string; request?: number; cause?: number },
  ): number;
  /** A granted run at this address; the state gets a ready run. */
  ready(model: string, baseUrl: string): Grant & { granted: true };
}

export function modelConfig(over: Partial<ModelConfig> & { id: ModelId }): ModelConfig {
  return {
    cmd: 'server --port ${PORT}',
    cmdStop: '',
    proxy: 'http://localhost:${PORT}',
    checkEndpoint: '/health',
    env: [],
    port: 5800,
    aliases: [],
    useModelName: '',
    unlisted: false,
    name: '',
    description: '',
    concurrencyLimit: 10,
    ttlMs: 0,
    unloadTimeoutMs: 10_000,
    unloadTimeoutSet: false,
    startTimeoutMs: 120_000,
    minResidencyMs: null,
    timeouts: {
      connectMs: 30_000,
      keepAliveMs: 30_000,
      responseHeaderMs: 0,
      tlsHandshakeMs: 10_000,
      expectContinueMs: 1_000,
      idleConnMs: 90_000,
    },
    group: '(default)',
    priority: 0,
    ...over,
  };
}

export interface FakeModel extends Partial<Omit<ModelConfig, 'id'>> {
  id: string;
}

export function fakeConfig(models: FakeModel[], over: Partial<Config> = {}): Config {
  const full = models.map((model) => modelConfig({ ...model, id: modelId(model.id) }));
  return {
    models: new Map(full.map((model) => [model.id, model])),
    names: new Map(full.flatMap((model) => [model.id, ...model.aliases].map((name) => [name, model.id] as const))),
    groups: [{ id: '(default)', swap: true, exclusive: true, persistent: false }],
    logLevel: 'info',
    logToStdout: 'proxy',
    preload: [],
    apiKeys: [],
    redacted: '{}',
    redact: (text) => text,
    hash: 'hash',
    warnings: [],
    files: [],
    ...over,
    turnout: {
      maxWaitMs: null,
      minResidencyMs: 0,
      queueTimeoutMs: 900_000,
      drainTimeoutMs: 300_000,
      maxBodyBytes: 1_000_000,
      clientFrom: [],
      sessionFrom: ['x-session-id'],
      onTrouble: 'serve',
      timeZone: 'UTC',
      ...over.turnout,
    },
  };
}

export function fakeRouter(config: Config): FakeRouter {
  const { log } = openMemoryLog();
  const state = emptyState();
  const listeners = new Set<(events: readonly TurnoutEvent[]) => void>();
  const pending: TurnoutEvent[] = [];
  let requests = 0;

  log.onDurable((durable) => {
    const due = pending.splice(0, pending.filter((event) => event.position <= durable).length);
    for (const listener of listeners) listener(due);
  });

  const add: FakeRouter['add'] = (type, data, links = {}) => {
    const position = state.position + 1;
    const request = type === 'request.arrived' ? position : links.request;
    const event = {
      position,
      at: Date.now(),
      version: VERSION[type],
      type,
      data,
      ...(links.model === undefined ? {} : { model: modelId(links.model) }),
      ...(request === undefined ? {} : { request: request as RequestKey }),
      ...(links.cause === undefined ? {} : { cause: links.cause }),
    } as unknown as TurnoutEvent;
    evolve(state, event);
    pending.push(event);
    log.append([event], true);
    return position;
  };

  const router: FakeRouter = {
    log,
    admitted: [],
    unloaded: [],
    compacted: 0,
    onPlan: (model) => preview(model),
    report: { ok: true, notes: [], diagnostics: [] },
    onAdmit: () => null,
    config: () => config,
    state: () => state as Readonly<State>,
    reload() {},
    note() {},
    onHealth: () => () => {},
    now: () => Date.now(),
    newRequestId: () => requestId(`req_${++requests}`),
    admit: (arrival) => admit(router, arrival),
    async unload(models, by) {
      router.unloaded.push({ models, by });
    },
    async pin(model, owner, until) {
      add('model.pinned', { owner, until }, { model });
    },
    async unpin(model, by) {
      if (state.models.get(model)?.pin == null) return false;
      add('model.unpinned', { by, why: 'operator' }, { model });
      return true;
    },
    async forget(model, by) {
      add('memory.forgotten', { by }, { model });
    },
    async compact() {
      router.compacted++;
      return { base: 5, events: 4, freedBytes: 2_048, stopped: null };
    },
    plan: async (model) => router.onPlan(model),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    health: () => router.report,
    async shutdown() {},
    add,
    ready(model, baseUrl) {
      const live = state.models.get(modelId(model))?.run;
      const run =
        live?.phase === 'ready' ? live.run : (add('process.starting', startingData(model), { model }) as RunId);
      if (live?.phase !== 'ready') add('process.ready', { run, baseUrl, loadMs: 1_234 }, { model });
      const known = config.models.get(modelId(model)) as ModelConfig;
      return { granted: true, run, baseUrl, model: known };
    },
  };
  add('router.started', {
    instance: 'test',
    pid: 1,
    version: '0',
    node: process.version,
    bootId: 'b',
    seed: 1,
    unfinished: null,
  });
  add('config.applied', { hash: config.hash, trigger: 'start', settings: settingsFor(config) });
  return router;
}

/** A run of the model as it is configured. */
export function startingData(
  model: string,
  over: Partial<EventData['process.starting']> = {},
): EventData['process.starting'] {
  const logFile = `logs/${model}/1.log`;
  const deadline = Date.now() + 60_000;
  return { deadline, port: 5800, logFile, specDigest: DIGEST, swap: null, memory: null, ...over };
}

/** What a dry run says of a model that is ready. */
export function preview(model: ModelId, over: Partial<PlanPreview> = {}): PlanPreview {
  return {
    model,
    phase: 'ready',
    verdict: 'serve',
    planner: null,
    reason: 'it is ready',
    memory: null,
    evict: [],
    alternatives: [],
    refusal: null,
    redirectTo: null,
    waitsFor: null,
    etaMs: { total: 0, wait: 0, stopMs: 0, loadMs: 0, basis: 'observed', loadsObserved: 1 },
    ...over,
  };
}

const DIGEST = 'd';

function settingsFor(config: Config): Settings {
  const settings = settingsOf(config, 'key');
  return { ...settings, models: settings.models.map((model) => ({ ...model, specDigest: DIGEST })) };
}

function admit(router: FakeRouter, arrival: Arrival): Ticket {
  let grant: Grant | null = router.onAdmit(arrival);
  let resolve: ((grant: Grant) => void) | null = null;
  const admitted: Admitted = {
    arrival,
    ended: null,
    retried: [],
    settle(next) {
      grant = next;
      resolve?.(next);
    },
  };
  router.admitted.push(admitted);
  return {
    id: arrival.id,
    get grant() {
      return grant;
    },
    wait: () =>
      new Promise((then) => {
        if (grant !== null) then(grant);
        else resolve = then;
      }),
    leave(sent) {
      admitted.ended ??= { how: 'left', ...sent };
    },
    quiet() {},
    retried: (reason) => admitted.retried.push(reason),
    finish(report) {
      admitted.ended ??= { how: 'finished', report };
    },
  };
}
