/** Nobody starves, and swapping does not eat the time: closed loops of clients on the real loop, in virtual time. */
import { describe, expect, it } from 'vitest';
import { type ModelId, modelId, requestId } from '../../src/core/ids.ts';
import type { BuiltInPlanner, View } from '../../src/core/plan.ts';
import type { Settings } from '../../src/core/settings.ts';
import { settingsFor } from '../core/harness.ts';
import { bootKernel } from './kernel-under-test.ts';
import { seededRandom } from './random.ts';
import { createScheduler, createWallClock } from './scheduler.ts';
import { createSimLog } from './sim-log.ts';
import { createSimRuntime } from './sim-runtime.ts';

const START = 1_700_000_000_000;
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

interface Loops {
  settings: Settings;
  loadMsOf: Record<string, number>;
  /** Clients per model, each asking again as soon as it was answered. */
  clients: Record<string, number>;
  serviceMs: number;
  hours: number;
  builtIn?: (settings: Settings) => BuiltInPlanner;
}

interface Measured {
  /** Longest wait for a grant, by model. */
  longestMs: Record<string, number>;
  served: Record<string, number>;
  /** Share of the time in which some request was being served. */
  servingShare: number;
  swaps: number;
  violations: string[];
}

function run(loops: Loops): Measured {
  const random = seededRandom(1);
  const scheduler = createScheduler(START);
  const log = createSimLog(scheduler, random, { commitMsMax: 2, trouble: 0 });
  const faults = { neverReady: 0, crashLoading: 0, crashServing: 0, ignoreTerm: 0, spawnFails: 0, stopHangs: 0 };
  const runtime = createSimRuntime(scheduler, random, { ...faults, loadMsMax: 1, loadMsOf: loops.loadMsOf });
  const violations: string[] = [];
  const looks = new Set<() => void>();
  const onSettled = () =>
    scheduler.after(0, () => {
      for (const look of looks) look();
    });
  const kernel = bootKernel({
    scheduler,
    wall: createWallClock(scheduler),
    log,
    runtime,
    settings: loops.settings,
    seed: 1,
    ...(loops.builtIn === undefined ? {} : { builtIn: loops.builtIn }),
    planner: (real) => real,
    onSettled,
    onBroken: (violation) => violations.push(violation),
  });
  const longestMs: Record<string, number> = {};
  const served: Record<string, number> = {};
  let requests = 0;
  let serving = 0;
  let servingSince = 0;
  let servingMs = 0;

  const ask = (model: ModelId) => {
    const arrivedAt = scheduler.now();
    const ticket = kernel.tickets.admit({
      id: requestId(`r${++requests}`),
      kind: 'inference',
      model,
      asked: model,
      client: 'loop',
      session: null,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 1,
      streaming: false,
    });
    const look = () => {
      if (ticket.grant === null) {
        longestMs[model] = Math.max(longestMs[model] ?? 0, scheduler.now() - arrivedAt);
        return;
      }
      looks.delete(look);
      if (!ticket.grant.granted) {
        violations.push(`${model} was refused: ${ticket.grant.message}`);
        return;
      }
      longestMs[model] = Math.max(longestMs[model] ?? 0, scheduler.now() - arrivedAt);
      if (serving++ === 0) servingSince = scheduler.now();
      scheduler.after(random.int(loops.serviceMs / 2, loops.serviceMs), () => {
        served[model] = (served[model] ?? 0) + 1;
        if (--serving === 0) servingMs += scheduler.now() - servingSince;
        ticket.finish({ outcome: 'ok', status: 200, bytes: 1, firstByteMs: 1, usage: null, error: null });
        scheduler.after(random.int(1, 50), () => ask(model));
      });
    };
    looks.add(look);
    look();
  };
  for (const [model, count] of Object.entries(loops.clients)) {
    for (let n = 0; n < count; n++) scheduler.after(random.int(0, 5 * SECOND), () => ask(modelId(model)));
  }
  const end = START + loops.hours * HOUR;
  while (violations.length === 0 && scheduler.step(end));
  for (const look of looks) look();
  const swaps = log.stored.filter((text) => text.includes('"type":"swap.started"')).length;
  return { longestMs, served, servingShare: servingMs / (loops.hours * HOUR), swaps, violations };
}

describe('two models of one swap group with loads of 300 s and five clients each', () => {
  const stopMs = 10 * SECOND;
  const serviceMs = 20 * SECOND;
  const loadMs = 300 * SECOND;
  const maxWaitMs = 2 * 2 * loadMs;
  const measured = run({
    settings: settingsFor({
      groups: { g: { members: ['a', 'b'] } },
      models: { a: { startTimeoutMs: HOUR }, b: { startTimeoutMs: HOUR } },
      settings: { queueTimeoutMs: 10 * HOUR },
    }),
    loadMsOf: { a: loadMs, b: loadMs },
    clients: { a: 5, b: 5 },
    serviceMs,
    hours: 24,
  });

  it('serve at least 60 % of the time', () => {
    expect(measured.violations).toEqual([]);
    expect(measured.servingShare).toBeGreaterThan(0.6);
  });

  it('let nobody wait beyond the bound: maxWait + (K+1) x (drain + stop + load)', () => {
    const bound = maxWaitMs + 2 * (serviceMs + stopMs + loadMs);
    expect(Math.max(...Object.values(measured.longestMs))).toBeLessThan(bound);
    expect(Object.keys(measured.served).sort()).toEqual(['a', 'b']);
  });
});

describe('one model of 24 GB among four of 12 GB on a device of 24 GB', () => {
  const GB: Record<string, number> = { big: 24, s1: 12, s2: 12, s3: 12, s4: 12 };
  const stopMs = 10 * SECOND;
  const serviceMs = 5 * SECOND;
  const loadMs = 20 * SECOND;
  const measured = run({
    settings: settingsFor({ groups: { g: { members: Object.keys(GB) } }, settings: { maxWaitMs: 120 * SECOND } }),
    loadMsOf: Object.fromEntries(Object.keys(GB).map((id) => [id, loadMs])),
    clients: { big: 2, s1: 2, s2: 2, s3: 2, s4: 2 },
    serviceMs,
    hours: 8,
    builtIn: () => memoryPlanner(GB, 24),
  });

  it('is served again and again, as are the others', () => {
    expect(measured.violations).toEqual([]);
    for (const model of Object.keys(GB)) expect(measured.served[model] ?? 0, model).toBeGreaterThan(50);
  });

  it('waits no longer than the bound, and nor do the others', () => {
    const others = Object.keys(GB).length - 1;
    const bound = 120 * SECOND + (others + 1) * (serviceMs + stopMs + loadMs);
    for (const [model, ms] of Object.entries(measured.longestMs)) expect(ms, model).toBeLessThan(bound);
  });
});

/** For this test: keeps within the memory of one device, evicting what was idle longest. */
function memoryPlanner(size: Record<string, number>, capacity: number): BuiltInPlanner {
  const of = (id: ModelId) => size[id] ?? 0;
  const requires = (target: ModelId, alive: Iterable<ModelId>): ModelId[] => {
    let free = capacity - of(target);
    return [...alive].filter((id) => {
      if (id === target) return false;
      if (of(id) <= free) {
        free -= of(id);
        return false;
      }
      return true;
    });
  };
  const plan = (view: View) => {
    const alive = view.models.filter((model) => model.phase !== 'stopped').map((model) => model.id);
    for (const swap of view.swaps) if (!alive.includes(swap.target)) alive.push(swap.target);
    const held = new Set(view.swaps.flatMap((swap) => [swap.target, ...swap.evict]));
    const movable = view.models
      .filter((model) => alive.includes(model.id) && model.id !== view.target && !held.has(model.id))
      .sort((a, b) => (b.idleMs ?? 0) - (a.idleMs ?? 0));
    const evict: ModelId[] = [];
    let free = capacity - alive.reduce((sum, id) => sum + (id === view.target ? 0 : of(id)), 0);
    for (const model of movable) {
      if (free >= of(view.target)) break;
      evict.push(model.id);
      free += of(model.id);
    }
    if (free < of(view.target)) return { action: 'wait' as const, reason: 'other swaps hold the memory' };
    return { action: 'swap' as const, evict, reason: 'memory' };
  };
  return { name: 'memory', version: '1', requires, plan };
}
