/**
 * Hand-written logs for the tests of explanations: each event in one line, positions given by order.
 */
import type { EventData, EventType, TurnoutEvent } from '../../src/core/events.ts';
import { VERSION } from '../../src/core/events.ts';
import { emptyState, fold } from '../../src/core/evolve.ts';
import { modelId, type RequestId, type RequestKey, type RunId, requestId, type SwapId } from '../../src/core/ids.ts';
import type { ModelSettings, Settings } from '../../src/core/settings.ts';
import type { State } from '../../src/core/state.ts';

/** 2026-11-22 12:00:00 UTC. */
export const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);

export const qwen = modelId('qwen');
export const llama = modelId('llama');
export const run = (position: number): RunId => position as RunId;
export const swap = (position: number): SwapId => position as SwapId;
export const key = (position: number): RequestKey => position as RequestKey;

export interface Story {
  readonly events: TurnoutEvent[];
  /** Appends an event `atMs` after noon and returns its position. */
  add<T extends EventType>(
    atMs: number,
    type: T,
    data: EventData[T],
    links?: { model?: string; request?: number; cause?: number },
  ): number;
  state(): State;
}

export function newStory(): Story {
  const events: TurnoutEvent[] = [];
  return {
    events,
    add(atMs, type, data, links = {}) {
      const position = events.length + 1;
      const request = type === 'request.arrived' ? position : links.request;
      const event = {
        position,
        at: NOON + atMs,
        version: VERSION[type],
        type,
        data,
        ...(links.model === undefined ? {} : { model: modelId(links.model) }),
        ...(request === undefined ? {} : { request: key(request) }),
        ...(links.cause === undefined ? {} : { cause: links.cause }),
      };
      events.push(event as unknown as TurnoutEvent);
      return position;
    },
    state: () => fold(events, emptyState()),
  };
}

export function arrived(id: string, over: Partial<EventData['request.arrived']> = {}): EventData['request.arrived'] {
  return {
    id: requestId(id) as RequestId,
    kind: 'inference',
    asked: 'qwen',
    client: 'curl 127.0.0.1',
    session: null,
    method: 'POST',
    endpoint: '/v1/chat/completions',
    bytes: 900,
    streaming: true,
    priority: 0,
    ...over,
  };
}

export function finished(over: Partial<EventData['request.finished']> = {}): EventData['request.finished'] {
  return { outcome: 'ok', status: 200, bytes: 2048, firstByteMs: 120, totalMs: 0, usage: null, error: null, ...over };
}

export function decided(reason: string, evict: string[]): EventData['plan.decided'] {
  return {
    epoch: 1,
    viewPosition: 1,
    viewNow: NOON,
    seed: 1,
    planner: { name: 'group', version: '1' },
    via: 'live',
    verdict: { action: 'swap', evict: evict.map(modelId), reason },
    outcome: 'pending',
  };
}

export function starting(inSwap: number | null, model = 'qwen'): EventData['process.starting'] {
  return {
    deadline: NOON + 120_000,
    port: 5800,
    logFile: `logs/${model}/1.log`,
    specDigest: 'd',
    swap: inSwap === null ? null : swap(inSwap),
    memory: null,
  };
}

export function exited(of: number, over: Partial<EventData['process.exited']> = {}): EventData['process.exited'] {
  return { run: run(of), code: 0, signal: null, by: 'turnout', detail: null, tail: [], ...over };
}

export function settings(...ids: string[]): Settings {
  return {
    models: ids.map((id) => modelSettings(id)),
    groups: [],
    planner: 'group',
    fallback: 'group',
    matrix: null,
    devices: [],
    memoryWaitMs: 15_000,
    protect: { models: [], otherwise: 'queue' },
    whenIdle: null,
    zone: { name: 'UTC', offsets: [] },
    clientPriority: {},
    antiThrash: true,
    maxWaitMs: null,
    queueTimeoutMs: 900_000,
    drainTimeoutMs: 300_000,
    onTrouble: 'serve',
  };
}

export function modelSettings(id: string, over: Partial<ModelSettings> = {}): ModelSettings {
  return {
    id: modelId(id),
    group: '(default)',
    concurrencyLimit: 10,
    ttlMs: 300_000,
    stopGraceMs: 10_000,
    startTimeoutMs: 120_000,
    minResidencyMs: 0,
    priority: 0,
    port: 5800,
    specDigest: 'd',
    memory: null,
    tags: [],
    context: 0,
    keepWarm: [],
    onDemand: { action: 'load' },
    ...over,
  };
}

/** turnout started with `qwen` and `llama`; llama was loaded by request `req_old`, which runs until 12:00:03. */
export function swapStory(): { story: Story; request: number; llamaRun: number; qwenRun: number; swap: number } {
  const story = newStory();
  story.add(-60_000, 'router.started', {
    instance: 'i',
    pid: 1,
    version: '0.1.0',
    node: 'v26',
    bootId: 'b',
    seed: 1,
    unfinished: null,
  });
  story.add(-60_000, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen', 'llama') });
  const old = story.add(-30_000, 'request.arrived', arrived('req_old', { asked: 'llama', client: 'ide' }), {
    model: 'llama',
  });
  const oldSwap = story.add(
    -30_000,
    'swap.started',
    { evict: [], drain: null, plan: null },
    { model: 'llama', cause: old },
  );
  const llamaRun = story.add(-30_000, 'process.starting', starting(oldSwap, 'llama'), {
    model: 'llama',
    cause: oldSwap,
  });
  story.add(-25_000, 'process.ready', { run: run(llamaRun), baseUrl: 'http://x', loadMs: 5_000 }, { model: 'llama' });
  story.add(-25_000, 'swap.finished', { swap: swap(oldSwap), ok: true, why: null, tookMs: 5_000 }, { model: 'llama' });
  story.add(-25_000, 'request.granted', { run: run(llamaRun), waitedMs: 5_000 }, { model: 'llama', request: old });

  const request = story.add(0, 'request.arrived', arrived('req_new', { session: 's-1' }), { model: 'qwen' });
  const plan = story.add(
    1,
    'plan.decided',
    decided('group (default) runs one model at a time, so llama must leave', ['llama']),
    {
      model: 'qwen',
      cause: request,
    },
  );
  story.add(
    1,
    'target.blocked',
    { on: 'drain', until: null, reason: 'llama is busy with 1 request' },
    { model: 'qwen', cause: plan },
  );
  story.add(3_300, 'request.finished', finished({ totalMs: 33_300 }), { model: 'llama', request: old });
  const began = story.add(3_300, 'swap.started', { evict: [llama], drain: null, plan }, { model: 'qwen', cause: plan });
  story.add(
    3_300,
    'process.stopping',
    { run: run(llamaRun), reason: 'swap', killAt: NOON + 13_300, detail: null },
    {
      model: 'llama',
      cause: began,
    },
  );
  story.add(4_400, 'process.exited', exited(llamaRun, { signal: 'SIGTERM', code: null }), { model: 'llama' });
  const qwenRun = story.add(4_400, 'process.starting', starting(began), { model: 'qwen', cause: began });
  story.add(14_200, 'process.ready', { run: run(qwenRun), baseUrl: 'http://x', loadMs: 9_800 }, { model: 'qwen' });
  story.add(14_200, 'swap.finished', { swap: swap(began), ok: true, why: null, tookMs: 10_900 }, { model: 'qwen' });
  story.add(14_200, 'request.granted', { run: run(qwenRun), waitedMs: 14_200 }, { model: 'qwen', request });
  story.add(
    18_200,
    'request.finished',
    finished({
      totalMs: 18_200,
      usage: { inputTokens: 1_200, cachedTokens: 200, outputTokens: 120, tokensPerSecond: 31.24 },
    }),
    { model: 'qwen', request },
  );
  return { story, request, llamaRun, qwenRun, swap: began };
}
