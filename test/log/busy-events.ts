/**
 * The events of a busy turnout without its kernel: models of one swap group, requests, a swap every so often. They fold,
 * whatever their number, and the same number always gives the same events. Must never use a clock or chance.
 */
import type { Draft, TurnoutEvent } from '../../src/core/events.ts';
import { VERSION } from '../../src/core/events.ts';
import { emptyState } from '../../src/core/evolve.ts';
import {
  type ModelId,
  modelId,
  type Position,
  type RequestKey,
  requestId,
  requestKey,
  runId,
  swapId,
} from '../../src/core/ids.ts';
import type { ModelSettings, Settings } from '../../src/core/settings.ts';

export const BUSY_START = Date.UTC(2026, 0, 1);

export interface BusyOptions {
  models?: number;
  /** Requests between two swaps. */
  requestsPerSwap?: number;
  /** Requests that are never answered, so that the state is large. */
  open?: number;
  /** Milliseconds between two events. */
  stepMs?: number;
}

/** Events from position 1 on, without end. */
export function* busyEvents(options: BusyOptions = {}): Generator<TurnoutEvent> {
  const { models = 6, requestsPerSwap = 50, open = 3, stepMs = 7 } = options;
  const ids = Array.from({ length: models }, (_, index) => modelId(`org/model-${index}:7b`));
  const runs = new Map<ModelId, ReturnType<typeof runId>>();
  let position: Position = 0;

  const next = (draft: Draft): TurnoutEvent => {
    position += 1;
    return {
      ...draft,
      position,
      at: BUSY_START + position * stepMs + 0.25,
      version: VERSION[draft.type],
    } as TurnoutEvent;
  };

  yield next({
    type: 'router.started',
    data: { instance: 'one', pid: 7, version: '0', node: '26', bootId: 'b', seed: 1, unfinished: null },
  });
  yield next({ type: 'config.applied', data: { hash: 'config-1', trigger: 'start', settings: settingsOf(ids) } });
  for (let index = 0; index < open; index += 1) yield next(arrived(ids[models - 1]!, `left-open-${index}`, index));
  for (let swap = 0; ; swap += 1) yield* round(swap);

  function* round(swap: number): Generator<TurnoutEvent> {
    const target = ids[swap % ids.length]!;
    const victim = swap === 0 ? null : ids[(swap - 1) % ids.length]!;
    const asked = next(arrived(target, `swap-${swap}`, swap));
    yield asked;
    const key = requestKey(asked.position);
    const evict = victim === null ? [] : [victim];
    const reason = victim === null ? 'nothing is in the way' : `${victim} is idle and shares its group`;
    const plan = next({
      type: 'plan.decided',
      model: target,
      cause: asked.position,
      data: {
        epoch: swap,
        viewPosition: asked.position,
        viewNow: asked.at,
        seed: swap * 7919,
        planner: { name: 'group', version: '1' },
        via: 'live',
        verdict: { action: 'swap', evict, reason },
        outcome: 'started',
      },
    });
    yield plan;
    const started = next({
      type: 'swap.started',
      model: target,
      cause: plan.position,
      data: { evict, drain: null, plan: plan.position },
    });
    yield started;
    yield next({
      type: 'target.blocked',
      model: target,
      cause: started.position,
      data: { on: 'swap', until: null, reason: `loading ${target}` },
    });
    if (victim !== null) yield* stopped(victim, started.position);
    const starting = next({
      type: 'process.starting',
      model: target,
      cause: started.position,
      data: {
        deadline: started.at + 60_000,
        port: 5_800 + (swap % 9),
        logFile: `logs/${swap}.log`,
        specDigest: `digest-${target}`,
        swap: swapId(started.position),
        memory: null,
      },
    });
    yield starting;
    const run = runId(starting.position);
    runs.set(target, run);
    yield next({
      type: 'process.spawned',
      model: target,
      cause: starting.position,
      data: { run, pid: 1_000 + swap, startTime: `${swap}`, bootId: 'b' },
    });
    const ready = next({
      type: 'process.ready',
      model: target,
      cause: starting.position,
      data: { run, baseUrl: 'http://127.0.0.1:5800', loadMs: 1_200 },
    });
    yield ready;
    yield next({
      type: 'swap.finished',
      model: target,
      cause: ready.position,
      data: { swap: swapId(started.position), ok: true, why: null, tookMs: 1_300 },
    });
    yield* served(target, key, run);
    for (let count = 1; count < requestsPerSwap; count += 1) {
      const arrival = next(arrived(target, `${swap}-${count}`, count));
      yield arrival;
      yield* served(target, requestKey(arrival.position), run);
    }
  }

  function* stopped(victim: ModelId, cause: Position): Generator<TurnoutEvent> {
    const run = runs.get(victim)!;
    const killAt = BUSY_START + position * stepMs + 10_000;
    yield next({ type: 'process.stopping', model: victim, cause, data: { run, reason: 'swap', killAt, detail: null } });
    yield next({
      type: 'process.exited',
      model: victim,
      cause,
      data: { run, code: 0, signal: null, by: 'turnout', detail: null, tail: [] },
    });
  }

  function* served(model: ModelId, request: RequestKey, run: ReturnType<typeof runId>): Generator<TurnoutEvent> {
    yield next({ type: 'request.granted', model, request, cause: request, data: { run, waitedMs: 12 } });
    const usage = {
      inputTokens: 512,
      outputTokens: 128,
      cachedTokens: 64,
      promptPerSecond: 1234.5,
      tokensPerSecond: 45.6,
    };
    const data = {
      outcome: 'ok',
      status: 200,
      bytes: 4_321,
      firstByteMs: 120,
      totalMs: 2_512,
      usage,
      error: null,
    } as const;
    yield next({ type: 'request.finished', model, request, data });
  }
}

/** The first so many of them. */
export function busyLog(count: number, options: BusyOptions = {}): TurnoutEvent[] {
  const events: TurnoutEvent[] = [];
  for (const event of busyEvents(options)) {
    if (events.length === count) break;
    events.push(event);
  }
  return events;
}

function arrived(model: ModelId, id: string, index: number): Draft {
  return {
    type: 'request.arrived',
    model,
    data: {
      id: requestId(`req_${id}`),
      kind: 'inference',
      asked: model,
      client: `key:${index % 5}`,
      session: index % 2 === 0 ? null : `session-${index % 11}`,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 1_200 + index,
      streaming: index % 3 > 0,
      priority: 0,
    },
  };
}

function settingsOf(ids: readonly ModelId[]): Settings {
  const models: ModelSettings[] = ids.map((id) => ({
    id,
    group: 'all',
    concurrencyLimit: 10,
    ttlMs: 0,
    stopGraceMs: 10_000,
    startTimeoutMs: 60_000,
    minResidencyMs: 0,
    priority: 0,
    port: 5_800,
    specDigest: `digest-${id}`,
    memory: null,
    tags: [],
    context: 0,
    keepWarm: [],
    onDemand: { action: 'load' },
  }));
  return { ...emptyState().settings, models, groups: [{ id: 'all', swap: true, exclusive: true, persistent: false }] };
}
