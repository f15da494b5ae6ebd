/** Clients that ask again as soon as they were answered, on the real loop in virtual time: how long do they wait? */
import { type ModelId, modelId, requestId } from '../../src/core/ids.ts';
import type { Settings } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../../src/core/simulation/scheduler.ts';
import { bootKernel } from '../../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';

const START = 1_700_000_000_000;
export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;

export interface Loops {
  settings: Settings;
  loadMsOf: Record<string, number>;
  /** Clients per model, each asking again as soon as it was answered. */
  clients: Record<string, number>;
  serviceMs: number;
  hours: number;
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

export function runLoops(loops: Loops): Measured {
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
    builtIn: builtInPlanner,
    planner: () => null,
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
