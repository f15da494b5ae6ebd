/**
 * A morning in a small office, in virtual time: four models that do not all fit, people, an agent, a batch job, somebody
 * who asks all the time, pins, and a game. What a policy makes of it, with every invariant checked after every step.
 */
import { canonical } from '../../src/core/canonical.ts';
import type { EventOf, EventType, TurnoutEvent } from '../../src/core/events.ts';
import { fold } from '../../src/core/evolve.ts';
import { checkState } from '../../src/core/invariants.ts';
import type { Planner } from '../../src/core/plan.ts';
import type { BuiltInName } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../../src/core/simulation/scheduler.ts';
import { bootKernel } from '../../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { settingsFor } from '../core/harness.ts';
import { END, GIB, LOADS, MATRIX, MINUTE, SECOND, SIZES, START } from './office-people.ts';
import { startCard, startPeople, startPins } from './office-traffic.ts';

export interface Day {
  violations: string[];
  /** Requests by client. */
  served: Record<string, number>;
  /** By the planner. */
  refused: { client: string; message: string; at: number }[];
  longestWaitMs: Record<string, number>;
  waitedMs: Record<string, number>;
  events<T extends EventType>(type: T): EventOf<T>[];
}

/** `plan`: gives the planner, from the log as text and whom to tell of faults. */
export function spendTheDay(
  fallback: BuiltInName,
  seed: number,
  plan: (stored: readonly string[], onFault: (what: string) => void) => Planner,
): Day {
  const random = seededRandom(seed);
  const scheduler = createScheduler(START);
  const log = createSimLog(scheduler, random, { commitMsMax: 5, trouble: 0 });
  const faults = { neverReady: 0, crashLoading: 0.02, crashServing: 0, ignoreTerm: 0.1, spawnFails: 0, stopHangs: 0 };
  const runtime = createSimRuntime(scheduler, random, { ...faults, loadMsMax: 1, loadMsOf: LOADS });
  const violations: string[] = [];
  const looks = new Set<() => void>();
  const onSettled = () =>
    scheduler.after(0, () => {
      for (const look of looks) look();
    });
  const planner = plan(log.stored, (what) => violations.push(what));
  const kernel = bootKernel({
    scheduler,
    wall: createWallClock(scheduler),
    log,
    runtime,
    settings: settingsOf(fallback),
    seed,
    builtIn: builtInPlanner,
    planner: () => planner,
    onSettled,
    onBroken: (violation) => violations.push(violation),
  });
  let past: TurnoutEvent[] = [];
  const day: Day = {
    violations,
    served: {},
    refused: [],
    longestWaitMs: {},
    waitedMs: {},
    events: (type) => past.filter((event) => event.type === type) as EventOf<typeof type>[],
  };

  const office = { day, random, scheduler, runtime, kernel, looks };
  startPeople(office);
  startPins(office);
  startCard(office);

  while (violations.length === 0 && scheduler.step(END + 30 * MINUTE)) {
    violations.push(...kernel.forgotten());
    if (!kernel.loop.questionOutstanding()) violations.push(...checkState(kernel.loop.state, kernel.loop.asked));
  }
  if (looks.size > 0) violations.push(`${looks.size} clients have no answer half an hour after the last one came`);
  past = log.stored.map((text) => JSON.parse(text) as TurnoutEvent);
  if (canonical(fold(past)) !== canonical(kernel.loop.state)) violations.push('fold(log) differs from the live state');
  return day;
}

function settingsOf(fallback: BuiltInName) {
  return settingsFor({
    groups: { big: { members: ['coder', 'chat', 'vision'] }, little: { members: ['small'], exclusive: false } },
    models: Object.fromEntries(Object.entries(SIZES).map(([id, memory]) => [id, { memory }])),
    settings: {
      planner: 'policy',
      fallback,
      matrix: MATRIX,
      devices: [{ id: 'gpu0', bytes: 24 * GIB }],
      antiThrash: true,
      maxWaitMs: 90 * SECOND,
    },
  });
}
