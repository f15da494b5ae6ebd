/**
 * What it costs to ask a policy: a request for a model that is not loaded, until its answer has become an event, through the
 * whole loop and (for a policy) the real host, with 20 models and 50 waiting requests. Beside it a built-in, and a program
 * that only answers as many bytes: no policy in a process of its own can be faster than both together.
 * Must never leave the policy host behind.
 */
import { spawn } from 'node:child_process';

import { emptyState } from '../src/core/evolve.ts';
import { modelId, requestId } from '../src/core/ids.ts';
import type { EventLog } from '../src/core/log/log.ts';
import type { Planner } from '../src/core/plan.ts';
import type { PlannerSeat } from '../src/core/runtime/asking.ts';
import { createLoop } from '../src/core/runtime/loop.ts';
import { createViewWriter } from '../src/core/runtime/policy-view.ts';
import type { ModelSettings, Settings as RouterSettings } from '../src/core/settings.ts';
import { builtInPlanner } from '../src/policies/built-in.ts';
import { createPolicyHost } from '../src/policies/sandbox/policy-host.ts';
import type { PolicyHost } from '../src/policies/sandbox/types.ts';
import { fileOf } from './processes.ts';
import { type Outcome, percentile, type Scenario, type Settings } from './scenario.ts';
import type { Subject, SubjectName } from './subjects.ts';

const MODELS = 20;
const WAITING = 50;
const WARM_UP = 200;
const SLOT = 'live';
/** A pause between questions, in ms, as the host prepares its contexts in pauses. */
const PAUSE_MS = 3;

/** The least recently used of those that could leave; it asks again every time, so that each request is a decision. */
const POLICY = `
export default {
  name: 'bench', apiVersion: 1,
  plan(view) {
    let oldest = null;
    for (const model of view.models) {
      if (model.evictable !== true || model.idleMs === null) continue;
      if (oldest === null || model.idleMs > oldest.idleMs) oldest = model;
    }
    return { action: 'reject', status: 409, reason: oldest === null ? 'none' : oldest.id, requests: [view.asking.at(-1)] };
  },
};`;

function settingsOfBench(): RouterSettings {
  const models = Array.from(
    { length: MODELS },
    (_, i): ModelSettings => ({
      id: modelId(`qwen3-coder-${i}b-instruct`),
      group: 'g',
      concurrencyLimit: WAITING + 10,
      ttlMs: 0,
      stopGraceMs: 10_000,
      startTimeoutMs: 120_000,
      minResidencyMs: 0,
      priority: 0,
      port: null,
      specDigest: String(i),
      memory: null,
      tags: ['chat', 'code'],
      context: 32_768,
      keepWarm: [],
      onDemand: { action: 'load' },
    }),
  );
  return {
    ...emptyState().settings,
    models,
    groups: [{ id: 'g', swap: true, exclusive: false, persistent: false }],
    planner: 'policy',
    antiThrash: false,
    maxWaitMs: 3_600_000,
    queueTimeoutMs: 3_600_000,
  };
}

/** A loop in memory whose first model is being loaded for 50 requests, so that all else has to wait for a decision. */
function busyLoop(planner: Planner | null) {
  const settings = settingsOfBench();
  const target = modelId(settings.models[1]?.id ?? '');
  let decided = () => {};
  let position = 0;
  const log = {
    get durable() {
      return position;
    },
    append(batch: readonly unknown[]) {
      position += batch.length;
    },
    onDurable: () => () => {},
  } as unknown as EventLog;
  const loop = createLoop({
    state: emptyState(),
    log,
    clock: { now: Date.now, wakeAt: () => {}, onStep: () => {}, close: () => {} },
    seat(state): PlannerSeat {
      const builtIn: PlannerSeat['builtIn'] = (name) => builtInPlanner(name, state.settings, state);
      const fallback = builtIn('group');
      return { name: fallback.name, version: '1', planner, fallback, builtIn };
    },
    perform: () => {},
    onEvents(events) {
      if (events.some(({ type, model }) => type === 'plan.decided' && model === target)) decided();
    },
    onBroken(violation) {
      throw new Error(`broken invariant: ${violation}`);
    },
    after(ms, then) {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
  });
  const started = { instance: 'b', pid: 1, version: '0', node: '0', bootId: 'b', seed: 7, unfinished: null };
  loop.post({ type: 'router.boot', started, replaced: null });
  loop.post({ type: 'config.loaded', hash: 'h', trigger: 'start', settings });
  let asked = 0;
  const request = (model = 0) => {
    const arrival = { kind: 'inference' as const, asked: 'x', client: 'key:alice', session: null, method: 'POST' };
    const more = { endpoint: '/v1/chat/completions', bytes: 12_345, streaming: true };
    const id = settings.models[model]?.id ?? null;
    loop.post({ type: 'http.request', arrival: { ...arrival, ...more, id: requestId(`r${++asked}`), model: id } });
  };
  return {
    loop,
    request,
    /** Ms from the arrival of a request to the decision about it. */
    async decide(): Promise<number> {
      const began = performance.now();
      const { promise, resolve } = Promise.withResolvers<void>();
      decided = resolve;
      request(1);
      await promise;
      const took = performance.now() - began;
      // the built-in lets it wait, and the next one must be a question again
      for (const key of loop.state.models.get(target)?.waiting ?? []) {
        loop.post({ type: 'http.gone', request: key, status: null, bytes: 0 });
      }
      return took;
    },
  };
}

/** A planner that asks the host as turnout does. `failed` is told what the host said instead of an answer. */
function hosted(host: PolicyHost, failed: (why: string) => void, saw: (view: string) => void): Planner {
  const writer = createViewWriter();
  return {
    async plan(view, seed) {
      const text = writer.forTarget(view);
      saw(text);
      const result = await host.ask(SLOT, 'plan', text, seed);
      if (!result.ok) failed(result.fault.message);
      if (!result.ok) throw new Error(result.fault.message);
      return { verdict: result.value.answer, logs: result.value.logs };
    },
  };
}

/** So many decisions, one after the other; sorted. */
async function measure(planner: Planner | null, count: number): Promise<number[]> {
  const { decide, request, loop } = busyLoop(planner);
  for (let n = 0; n < WAITING; n++) request();
  const took: number[] = [];
  for (let n = 0; n < WARM_UP + count; n++) {
    const ms = await decide();
    if (n >= WARM_UP) took.push(ms);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  loop.close();
  return took.sort((a, b) => a - b);
}

/** The same number of questions to the bare program, each as long as a view; sorted. */
async function measureEcho(bytes: number, count: number): Promise<number[]> {
  const child = spawn(process.execPath, [fileOf('bare-echo.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const question = Buffer.alloc(bytes, 'x');
  question.write('\n', bytes - 1);
  const took: number[] = [];
  for (let n = 0; n < WARM_UP + count; n++) {
    const began = performance.now();
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error('the bare echo ended')));
      child.stdin.write(question);
    });
    child.removeAllListeners('exit');
    if (n >= WARM_UP) took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  child.kill('SIGKILL');
  return took.sort((a, b) => a - b);
}

async function run(settings: Settings, _subjects: readonly Subject[], names: readonly SubjectName[]): Promise<Outcome> {
  if (!names.includes('turnout')) return { tables: [], errors: [] };
  const count = Math.round((settings.rounds * settings.seconds * 1_000) / (4 * PAUSE_MS));
  const errors: string[] = [];
  const faults: string[] = [];
  const host = createPolicyHost();
  try {
    settings.progress(`policies: ${count} decisions of each`);
    const program = { slot: SLOT, file: 'bench.js', source: POLICY, options: {}, live: true, position: 0 };
    const loaded = await host.load(program);
    if (!loaded.ok) return { tables: [], errors: [`policies: ${loaded.fault.message}`] };
    const builtIn = await measure(null, count);
    let viewBytes = 0;
    const asks = hosted(
      host,
      (why) => faults.push(why),
      (view) => {
        viewBytes = Buffer.byteLength(view);
      },
    );
    const policy = await measure(asks, count);
    const echo = await measureEcho(viewBytes, count);
    if (faults.length > count / 100) errors.push(`policies: ${faults.length} questions had no answer: ${faults[0]}`);
    const row = (name: string, took: number[]) => ({
      name,
      values: [percentile(took, 0.5), percentile(took, 0.99), took.at(-1) ?? null],
    });
    const note = `${MODELS} models, ${WAITING} waiting requests; from the arrival of a request to the recorded decision; ${count} of each, ${PAUSE_MS} ms apart`;
    const columns = ['p50 ms', 'p99 ms', 'max ms'];
    const rows = [
      row('built-in', builtIn),
      row(`bare echo of ${viewBytes} bytes`, echo),
      row('policy in its host', policy),
    ];
    return { tables: [{ title: 'asking a policy', note, columns, rows }], errors };
  } finally {
    await host.close();
  }
}

export const policies: Scenario = { name: 'policies', needsSubjects: false, run };
