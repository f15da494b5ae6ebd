/** An hour of clients on the real loop, as a log: what a turnout would have recorded, made in virtual time from a seed. */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { type ModelId, requestId } from '../../src/core/ids.ts';
import type { EventLog, TimeTravel } from '../../src/core/log/log.ts';
import { openMemoryLog } from '../../src/core/log/memory.ts';
import type { Ticket } from '../../src/core/runtime/router.ts';
import type { Settings } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../../src/core/simulation/scheduler.ts';
import { bootKernel } from '../../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';

export const START = 1_700_000_000_000;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

export interface Hour {
  settings: Settings;
  seed?: number;
  clients?: number;
  minutes?: number;
  loadMsMax?: number;
  /** Chance that a start fails, that a model crashes, that a client leaves. */
  faults?: number;
  leaves?: number;
  /** Unloads and pins by hand. */
  operator?: number;
}

/** The log of such an hour. */
export function recordHour(hour: Hour): TurnoutEvent[] {
  const { settings, seed = 1, clients = 200, minutes = 60, loadMsMax = 8_000 } = hour;
  const { faults = 0, leaves = 0, operator = 0 } = hour;
  const random = seededRandom(seed);
  const scheduler = createScheduler(START);
  const log = createSimLog(scheduler, random, { commitMsMax: 20, trouble: 0 });
  const runtime = createSimRuntime(scheduler, random, {
    loadMsMax,
    neverReady: 0,
    crashLoading: faults,
    crashServing: faults,
    ignoreTerm: faults,
    spawnFails: faults,
    stopHangs: 0,
  });
  const looks = new Set<() => void>();
  const cuts = new Map<number, Set<() => void>>();
  runtime.onDeath = (run) => {
    for (const cut of cuts.get(run) ?? []) scheduler.after(random.int(0, 5), cut);
  };
  const kernel = bootKernel({
    scheduler,
    wall: createWallClock(scheduler),
    log,
    runtime,
    settings,
    seed,
    builtIn: builtInPlanner,
    planner: () => null,
    onSettled: () =>
      scheduler.after(random.int(0, 2), () => {
        for (const look of looks) look();
      }),
    onBroken: (violation) => {
      throw new Error(violation);
    },
  });

  const ask = (n: number, model: ModelId) => {
    let over = false;
    const end = (act: () => void) => {
      if (!over) act();
      over = true;
      looks.delete(look);
    };
    const look = () => {
      const { grant } = ticket;
      if (grant === null) return;
      looks.delete(look);
      if (!grant.granted) return end(() => {});
      const finish = (outcome: 'ok' | 'cut') => () =>
        end(() => ticket.finish({ outcome, status: 200, bytes: 1, firstByteMs: 1, usage: null, error: null }));
      scheduler.after(random.int(200, 20_000), finish('ok'));
      const beside = cuts.get(grant.run) ?? new Set();
      cuts.set(grant.run, beside.add(finish('cut')));
    };
    const ticket: Ticket = kernel.tickets.admit({
      id: requestId(`r${n}`),
      kind: 'inference',
      model,
      asked: model,
      client: `client${n % 4}`,
      session: null,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 100 + n,
      streaming: n % 2 === 0,
    });
    looks.add(look);
    look();
    if (random.chance(leaves)) {
      scheduler.after(random.int(100, 30_000), () => end(() => ticket.leave({ status: 499, bytes: 0 })));
    }
  };
  const span = minutes * MINUTE;
  const anyModel = () => random.pick(settings.models).id;
  for (let n = 0; n < clients; n++) scheduler.after(random.int(0, span), () => ask(n, anyModel()));
  for (let n = 0; n < operator; n++) {
    scheduler.after(random.int(0, span), () => {
      const model = anyModel();
      if (n % 3 === 0) kernel.loop.post({ type: 'operator.unload', models: [model], by: 'tester' });
      else if (n % 3 === 1) {
        const until = kernel.loop.state.at + random.int(SECOND, 2 * MINUTE);
        kernel.loop.post({ type: 'operator.pin', model, owner: 'tester', until });
      } else kernel.loop.post({ type: 'operator.unpin', model, by: 'tester' });
    });
  }
  while (scheduler.step(START + span));
  return log.stored.map((text) => JSON.parse(text) as TurnoutEvent);
}

/** A log that holds these events. */
export function logOf(events: readonly TurnoutEvent[]): EventLog & TimeTravel {
  const { log } = openMemoryLog({ eventsMax: Math.max(1, events.length) });
  log.append(events, false);
  return log;
}
