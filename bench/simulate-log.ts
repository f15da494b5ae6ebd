/**
 * A log as a busy turnout writes it, of any length and in no time: clients with sessions over models of one card, played on
 * the real loop in virtual time and written as a real log. Must never use a clock: the same size gives the same log.
 */
import type { EventData, TurnoutEvent } from '../src/core/events.ts';
import { emptyState } from '../src/core/evolve.ts';
import { play } from '../src/core/history/simulate/play.ts';
import type { RecordedRequest, RecordedRun, Trace } from '../src/core/history/simulate/trace.ts';
import { type ModelId, modelId, requestId } from '../src/core/ids.ts';
import type { OpenedLog } from '../src/core/log/log.ts';
import { openSqliteLog } from '../src/core/log/sqlite.ts';
import { seededRandom } from '../src/core/simulation/random.ts';
import { builtInPlanner } from '../src/policies/built-in.ts';
import { baseSettings, modelSettings } from './planners-contenders.ts';

const START = Date.UTC(2026, 0, 1);
const GIB = 1024 ** 3;
const SIZES = [8, 8, 10, 12, 16, 20];
/** Events of a request with its share of swaps and decisions. */
const EVENTS_A_REQUEST = 3.2;
const SESSION_MAX = 60;
const BATCH = 20_000;
const KEY = Number.POSITIVE_INFINITY;

export interface BenchLog {
  events: number;
  requests: number;
  /** Virtual hours. */
  hours: number;
}

/** Writes a log of about so many events into a directory. */
export async function writeBenchLog(dir: string, events: number): Promise<BenchLog> {
  const trace = traceOf(Math.ceil(events / EVENTS_A_REQUEST));
  const { log } = await openSqliteLog({ dir, onWarning: () => {}, limits: { logBallastBytes: 0 } });
  let written = 0;
  let last = START;
  const sink = createSink(log, (event) => {
    written++;
    last = event.at;
  });
  const stop = new AbortController();
  try {
    await play({
      trace,
      state: emptyState(),
      contender: { name: 'group', changes: {}, policy: null, brought: false },
      makeBuiltIn: builtInPlanner,
      onEvents(some) {
        sink.take(some);
        if (written >= events) stop.abort();
      },
      pause: () => sink.drained(),
      signal: stop.signal,
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  await sink.drained();
  await log.close();
  return { events: written, requests: trace.requests.size, hours: (last - START) / 3_600_000 };
}

/** Hands events to the log in large pieces, and waits for it: it keeps so many in memory and no more. */
function createSink(log: OpenedLog['log'], onEvent: (event: TurnoutEvent) => void) {
  let batch: TurnoutEvent[] = [];
  return {
    take(events: readonly TurnoutEvent[]) {
      for (const event of events) onEvent(event);
      batch.push(...events);
    },
    async drained() {
      for (let at = 0; at < batch.length; at += BATCH) {
        log.append(batch.slice(at, at + BATCH), true);
        await log.flush();
      }
      batch = [];
    },
  };
}

/** Sessions of a few dozen requests with one model each, of which two run side by side now and then. */
function traceOf(count: number): Trace {
  const random = seededRandom(1);
  const models = SIZES.map((_, n) => modelId(`model-${n}`));
  const settings = {
    ...baseSettings('group'),
    models: models.map((id, n) => ({ ...modelSettings(id, (SIZES[n] ?? 0) * GIB), startTimeoutMs: 120_000 })),
    devices: [{ id: 'gpu0', bytes: 24 * GIB }],
  };
  const started = { instance: 'bench', pid: 1, version: '0', node: '0', bootId: 'b', seed: 1, unfinished: null };
  const inputs: Trace['inputs'] = [
    { at: START, key: 1, kind: 'boot', survivors: new Map(), input: { type: 'router.boot', started, replaced: null } },
    { at: START, key: 2, kind: 'input', input: { type: 'config.loaded', hash: 'bench', trigger: 'start', settings } },
  ];
  const requests: Trace['requests'] = new Map();
  let at = START;
  let model: ModelId = models[0] as ModelId;
  for (let n = 0, left = 0; n < count; n++) {
    if (left-- === 0) {
      model = random.pick(models);
      left = random.int(1, SESSION_MAX);
    }
    at += random.int(20, 2_000);
    const id = requestId(`req_${n}`);
    const asked = random.chance(0.02) ? random.pick(models) : model;
    const end: RecordedRequest['end'] = {
      ms: random.int(100, 4_000),
      key: KEY,
      report: reportOf(random.int(200, 4_000)),
    };
    const blank = { patience: null, refused: false, redirected: false, notes: [] };
    requests.set(id, { id, model: asked, kind: 'inference', arrivedAt: at, end, ...blank });
    const arrival = {
      id,
      kind: 'inference' as const,
      model: asked,
      asked,
      client: `client-${n % 7}`,
      session: `session-${n % 31}`,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 900 + (n % 500),
      streaming: n % 3 > 0,
    };
    inputs.push({ at, key: 3 + n, kind: 'input', input: { type: 'http.request', arrival } });
  }
  const runs = new Map(models.map((id) => [id, [runOf(id, random.int(4_000, 20_000))]]));
  return {
    from: 0,
    to: 0,
    startsAt: START,
    endsAt: at + 60_000,
    events: 0,
    inputs,
    requests,
    runs,
    earlier: new Map(),
    wakes: [],
    thoughts: new Map(),
    lateMs: 0,
    lookMs: 0,
    cleared: new Map(),
    reloads: 0,
    policyFaults: 0,
    end: emptyState(),
  };
}

function runOf(model: ModelId, ms: number): RecordedRun {
  const exit = { code: 0, signal: null, by: 'turnout', detail: null, tail: [] } as const;
  const stop = { ms: 300, key: KEY, exit: { ...exit, tail: [] } };
  const blank = { crash: null, observed: [], stopAtLeastMs: 0 };
  return { model, spawned: { ms: 3, key: KEY }, coming: { how: 'ready', ms, key: KEY }, stop, ...blank };
}

function reportOf(tokens: number): Omit<EventData['request.finished'], 'totalMs'> {
  const usage = { inputTokens: tokens, outputTokens: 128, cachedTokens: 64, promptPerSecond: 1_234.5 };
  return { outcome: 'ok', status: 200, bytes: 4_321, firstByteMs: 120, usage, error: null };
}
