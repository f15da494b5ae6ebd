/**
 * A planner that never answers, and a timer that never gives it up: requests wait for nothing that comes. The log of that,
 * exported on one state directory and looked at on another, where nothing but the file is, shows the same stall.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { emptyState } from '../../src/core/evolve.ts';
import { openExport } from '../../src/core/history/import.ts';
import { type ModelId, modelId, requestId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { NO_HINTS } from '../../src/core/plan.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import type { ModelSettings } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../../src/core/simulation/scheduler.ts';
import { bootKernel } from '../../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import { encodeState } from '../../src/core/state-codec.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { makePlace, type Place } from '../cli/run.ts';
import { openTestLog, tempDir } from '../log/log-fixtures.ts';

const START = Date.UTC(2026, 10, 22, 3);
const FAULTS = { neverReady: 0, crashLoading: 0, crashServing: 0, ignoreTerm: 0, spawnFails: 0, stopHangs: 0 };
const [QWEN, LLAMA] = [modelId('qwen-8b'), modelId('llama-70b')];

const modelOf = (id: ModelId): ModelSettings => ({
  id,
  group: 'all',
  concurrencyLimit: 10,
  ttlMs: 0,
  stopGraceMs: 10_000,
  startTimeoutMs: 60_000,
  minResidencyMs: 0,
  priority: 0,
  port: 5_800,
  specDigest: id,
  memory: null,
  tags: [],
  context: 0,
  keepWarm: [],
  onDemand: { action: 'load' },
});

/** The events of ten minutes in which the planner is asked about llama-70b and says nothing, ever. */
function wedged(): TurnoutEvent[] {
  const random = seededRandom(1);
  const real = createScheduler(START);
  let answering = true;
  const scheduler: typeof real = {
    ...real,
    after: (ms, what) => (!answering && ms === LIMITS.planAnswerMs ? () => {} : real.after(ms, what)),
  };
  const log = createSimLog(scheduler, random, { commitMsMax: 2, trouble: 0 });
  const broken: string[] = [];
  const kernel = bootKernel({
    scheduler,
    wall: createWallClock(scheduler),
    log,
    runtime: createSimRuntime(scheduler, random, { ...FAULTS, loadMsMax: 500 }),
    settings: {
      ...emptyState().settings,
      models: [QWEN, LLAMA].map(modelOf),
      groups: [{ id: 'all', swap: true, exclusive: true, persistent: false }],
    },
    seed: 1,
    builtIn: builtInPlanner,
    planner: (builtIn) => ({
      plan: (view) => (answering ? builtIn.plan(view, NO_HINTS) : new Promise<never>(() => {})),
    }),
    onSettled: () => {},
    onBroken: (violation) => broken.push(violation),
  });
  const run = (ms: number) => {
    const until = scheduler.now() + ms;
    real.after(ms, () => {}); // time goes by although nothing happens
    while (scheduler.step(until));
  };
  let requests = 0;
  const ask = (model: ModelId): Ticket =>
    kernel.tickets.admit({
      id: requestId(`req_${++requests}`),
      kind: 'inference',
      model,
      asked: model,
      client: 'anna',
      session: null,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 10,
      streaming: false,
    });
  const serve = (ticket: Ticket) => {
    run(5_000);
    ticket.finish({ outcome: 'ok', status: 200, bytes: 1, firstByteMs: 1, usage: null, error: null });
    run(1_000);
  };
  serve(ask(QWEN));
  answering = false;
  ask(LLAMA);
  for (let minute = 0; minute < 10; minute++) {
    run(55_000);
    serve(ask(QWEN));
  }
  ask(LLAMA);
  run(1_000);
  expect(broken).toEqual([]);
  return log.stored.map((text) => JSON.parse(text) as TurnoutEvent);
}

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  return () => place.remove();
});

async function stateDirWith(events: readonly TurnoutEvent[]): Promise<string> {
  const dir = tempDir();
  const { log } = await openTestLog(dir);
  log.append(events, true);
  await log.flush();
  await log.close();
  return dir;
}

async function said(...args: string[]): Promise<string> {
  const { code, out, err } = await place.cli([...args, '--utc']);
  expect({ code, err, args }).toEqual({ code: 0, err: '', args });
  return out;
}

describe('a planner that never answers', { timeout: 120_000 }, () => {
  it('leaves a log that shows the same stall elsewhere', async () => {
    const events = wedged();
    const head = events.length;
    const asked = events.find(({ type, model }) => type === 'request.arrived' && model === LLAMA)?.position ?? 0;
    expect(events.filter(({ type, model }) => type === 'plan.decided' && model === LLAMA)).toEqual([]);
    const here = await stateDirWith(events);
    const file = join(tempDir(), 'wedge.turnout');
    const there = join(tempDir(), 'elsewhere');
    await said('export', '--since', String(asked), '--out', file, '--state-dir', here);
    expect(await said('import', file, '--state-dir', there)).toContain('the state that was recorded');

    const [log, slice] = [await openLogForReading(here), await openExport(file)];
    onTestFinished(async () => void (await Promise.all([log.close(), slice.close()])));
    for (let position = slice.header.base; position <= head; position++) {
      expect(encodeState(await slice.stateAt(position))).toBe(encodeState(await log.stateAt(position)));
    }

    const questions = [
      ['state', '--at', String(head)],
      ['state', '--at', String(asked), '--diff', String(head)],
      ['explain'],
      ['explain', String(asked)],
      ['explain', 'req_2'],
      ['explain', LLAMA],
    ];
    for (const question of questions) {
      const then = await said(...question, '--state-dir', here);
      expect(await said(...question, '--file', file)).toBe(then);
      expect(await said(...question, '--state-dir', there)).toBe(then);
    }
    expect(await said('state', '--at', String(head), '--file', file)).toMatch(/^llama-70b .* 2 /m);
    expect(await said('explain', '--file', file)).toMatch(/req_2.*nothing is recorded that it waits for/);
    expect(await said('explain', 'req_2', '--file', file)).toContain('it has been waiting for 10 min');
    expect(await said('replay', file, '--speed', '0')).toContain('llama-70b stopped, 2 wait');
  });
});
