/**
 * One seed: builds its world, lets it happen step by step, and checks every invariant after every step. Returns what is
 * wrong, with the log up to there.
 */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, evolve } from '../../src/core/evolve.ts';
import type { RequestKey, RunId } from '../../src/core/ids.ts';
import { checkState } from '../../src/core/invariants.ts';
import type { BuiltInPlanner } from '../../src/core/plan.ts';
import type { Settings } from '../../src/core/settings.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import { createScheduler, createWallClock } from '../../src/core/simulation/scheduler.ts';
import { bootKernel, type KernelUnderTest } from '../../src/core/simulation/sim-kernel.ts';
import { createSimLog } from '../../src/core/simulation/sim-log.ts';
import { createSimRuntime } from '../../src/core/simulation/sim-runtime.ts';
import type { State } from '../../src/core/state.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { firstDifference } from './difference.ts';
import { scenarioOf } from './scenario.ts';
import { editedSettings } from './scenario-settings.ts';
import { startClients, type World } from './sim-clients.ts';
import { startDevices } from './sim-devices.ts';
import { simPlanner } from './sim-planner.ts';
import { applyTweak, type Tweak } from './tweak.ts';

export interface SeedResult {
  seed: number;
  steps: number;
  events: number;
  violations: string[];
  log: string[];
}

const START = 1_700_000_000_000;
const STEPS_MAX = 20_000;
const HOUR_MS = 3_600_000;

/** What a seed is and what happens in it come from two sources of chance, so that a smaller scenario is still the same. */
export function runSeed(seed: number, tweak: Tweak = {}): SeedResult {
  const result: SeedResult = { seed, steps: 0, events: 0, violations: [], log: [] };
  try {
    live(seed, tweak, result);
  } catch (error) {
    result.violations.push(`threw ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  }
  result.events = result.log.length;
  return result;
}

function live(seed: number, tweak: Tweak, result: SeedResult): void {
  const scenario = applyTweak(scenarioOf(seededRandom(seed), tweak.planner), tweak);
  const random = seededRandom((tweak.world ?? seed) ^ 0x5eed);
  const scheduler = createScheduler(START, scenario.quantumMs);
  const wall = createWallClock(scheduler);
  const log = createSimLog(scheduler, random, scenario.disk);
  const runtime = createSimRuntime(scheduler, random, scenario.processes);
  const { violations } = result;
  result.log = log.stored;
  const onBroken = (violation: string) => {
    violations.push(violation);
  };
  const shadow = createShadow(log.stored, onBroken);

  runtime.onSpawn = ({ run, model }) => {
    for (const other of runtime.alive().values()) {
      if (other.model === model) onBroken(`${model} is spawned (run ${run}) while run ${other.run} of it is alive`);
    }
    const { state } = kernel.loop;
    const models = [...state.models.values()].map((one) => one.settings);
    const rules = builtInPlanner(state.settings.fallback, { ...state.settings, models }, state);
    const beside = rules.requires(
      model,
      [...runtime.alive().values()].map((process) => process.model),
    );
    if (beside.length > 0) onBroken(`${model} is spawned (run ${run}) beside ${beside.join(', ')}`);
  };

  const open: World['open'] = new Set();
  runtime.onDeath = (run) => {
    for (const client of open) client.died(run);
  };
  const onSettled = () =>
    scheduler.after(0, () => {
      for (const client of open) client.look();
    });
  const { lateMsMax, never, nonsense } = scenario.planner;
  const isPlain = lateMsMax === 0 && never === 0 && nonsense === 0;
  const planner = (real: BuiltInPlanner) => (isPlain ? null : simPlanner(real, scheduler, random, scenario.planner));
  let ending = false;
  /** As somebody edited the file while turnout was away. */
  let { settings } = scenario;
  const boot = () =>
    bootKernel({
      scheduler,
      wall,
      log,
      runtime,
      settings,
      seed,
      adopt: scenario.operator.adopt,
      builtIn: builtInPlanner,
      planner,
      onSettled,
      onBroken,
    });
  let kernel = boot();

  const world: World = {
    kernel: () => kernel,
    scenario,
    random,
    scheduler,
    runtime,
    open,
  };
  startClients(world);
  for (let n = 0; n < scenario.operator.unloads; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      const models = random.chance(0.3) ? [] : [random.pick(scenario.settings.models).id];
      kernel.loop.post({ type: 'operator.unload', models, by: 'simulation' });
    });
  }
  for (let n = 0; n < scenario.operator.kills; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      if (ending) return;
      log.crash(scenario.operator.powerLoss ? 'durable' : 'all');
      bootAgain();
    });
  }
  for (let n = 0; n < scenario.operator.handovers; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      if (ending) return;
      kernel.loop.post({ type: 'operator.shutdown', signal: 'restart', force: random.chance(0.2), keep: true });
      afterExit(kernel);
    });
  }
  /** The next start, once this kernel has stopped; a kill may come first. */
  function afterExit(leaving: KernelUnderTest): void {
    scheduler.after(20, () => {
      if (kernel !== leaving || ending) return;
      if (!leaving.exited()) return afterExit(leaving);
      const left = leaving.loop.state.alive;
      const running = new Set([...runtime.alive().values()].map((process) => process.model));
      for (const model of running) if (!left.has(model)) onBroken(`${model} runs although turnout left it unnamed`);
      if (leaving.loop.state.requests.size > 0) onBroken('turnout left its models although requests were open');
      log.crash('all');
      bootAgain();
    });
  }
  function bootAgain(): void {
    kernel.die();
    runtime.kernelDied();
    for (const client of world.open) client.lost();
    shadow.rebuild();
    if (scenario.operator.editsWhileAway && random.chance(0.5)) settings = editedSettings(settings, random, 1_000);
    const { position } = shadow.state();
    const expected = adoptableOf(shadow.state(), settings, runtime, scenario.operator.adopt);
    kernel = boot();
    const written = log.stored.slice(position).map((text) => JSON.parse(text) as TurnoutEvent);
    const adopted = written.flatMap((event) => (event.type === 'process.adopted' ? [event.data.run] : []));
    if (String(adopted) !== String(expected)) {
      onBroken(`the next start adopted runs ${adopted}, expected ${expected}`);
    }
  }

  for (let n = 0; n < scenario.operator.reloads; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      const settings = editedSettings(scenario.settings, random, n);
      kernel.loop.post({ type: 'config.loaded', hash: `edit ${n}`, trigger: 'reload', settings });
    });
  }
  for (let n = 0; n < scenario.operator.pins; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      const model = random.pick(scenario.settings.models).id;
      const until = kernel.loop.state.at + random.int(1, 120_000);
      if (random.chance(0.3)) kernel.loop.post({ type: 'operator.unpin', model, by: 'simulation' });
      else kernel.loop.post({ type: 'operator.pin', model, owner: 'simulation', until });
    });
  }
  for (let n = 0; n < scenario.operator.forgets; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => {
      const model = random.pick(scenario.settings.models).id;
      kernel.loop.post({ type: 'operator.forget', model, by: 'simulation' });
    });
  }
  startDevices({ scenario, scheduler, random, runtime, post: (input) => kernel.loop.post(input) });
  for (let n = 0; n < scenario.operator.clockSteps; n++) {
    scheduler.after(random.int(0, scenario.clients.overMs), () => wall.step(random.pick([-HOUR_MS, 8 * HOUR_MS])));
  }

  let compared = -1;
  /** States change by events alone: without a new one there is nothing new to compare. */
  const compare = (folded: Readonly<State>, live: Readonly<State>): void => {
    if (folded.position === live.position && live.position === compared) return;
    compared = live.position;
    const where = firstDifference(folded, live);
    if (where !== null) onBroken(`fold(log) differs from the live state at ${where}`);
  };
  const runUntil = (limit: number, over: () => boolean): void => {
    while (violations.length === 0 && result.steps < STEPS_MAX && !over() && scheduler.step(limit)) {
      result.steps++;
      shadow.catchUp();
      compare(shadow.state(), kernel.loop.state);
      for (const violation of kernel.forgotten()) onBroken(violation);
      if (!kernel.loop.questionOutstanding()) {
        for (const violation of checkState(kernel.loop.state, kernel.loop.asked)) onBroken(violation);
      }
    }
  };

  const trafficEnds = START + scenario.clients.overMs;
  runUntil(trafficEnds, () => false);
  if (scenario.drains) {
    Object.assign(scenario.processes, NO_PROCESS_FAULTS);
    Object.assign(scenario.disk, { commitMsMax: 5, trouble: 0 });
    Object.assign(scenario.planner, { lateMsMax: 0, never: 0, nonsense: 0 });
    Object.assign(scenario.devices, { silent: 0, lagMsMax: 0 });
    runUntil(trafficEnds + 4 * HOUR_MS, () => world.open.size === 0);
    if (violations.length === 0 && world.open.size > 0) {
      onBroken(`${world.open.size} clients have no answer four hours after the faults ended`);
    }
  }
  // an orderly stop that leaves models is followed by a start, whose children the last stop ends
  runUntil(scheduler.now() + HOUR_MS, () => kernel.loop.state.phase === 'running');
  ending = true;
  kernel.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: false });
  if (random.chance(0.2)) kernel.loop.post({ type: 'operator.shutdown', signal: 'SIGTERM', force: true });
  runUntil(scheduler.now() + HOUR_MS, () => kernel.exited());
  for (const client of open) client.look();
  shadow.catchUp();
  if (violations.length === 0) {
    if (!kernel.exited()) onBroken('turnout did not stop within an hour after it was told to');
    if (runtime.alive().size > 0) onBroken(`${runtime.alive().size} processes are left after turnout said it stopped`);
    if (world.open.size > 0) onBroken(`${world.open.size} clients have no answer after the end`);
    for (const violation of terminals(shadow.events())) onBroken(violation);
  }
}

/** Runs that must be adopted, in the order of their models: said here once more, from the world itself. */
function adoptableOf(
  state: Readonly<State>,
  settings: Settings,
  runtime: ReturnType<typeof createSimRuntime>,
  adopt: boolean,
): RunId[] {
  return [...state.models.values()].flatMap(({ id, run }) => {
    if (run === null || run.phase === 'stopping' || !adopt) return [];
    const child = runtime.alive().get(run.run);
    const same = settings.models.some((model) => model.id === id && model.specDigest === run.specDigest);
    const answers = child !== undefined && (run.phase === 'starting' || !child.hung);
    return same && answers ? [run.run] : [];
  });
}

const NO_PROCESS_FAULTS = {
  hangsAfterKill: 0,
  neverReady: 0,
  crashLoading: 0,
  crashServing: 0,
  ignoreTerm: 0,
  spawnFails: 0,
  stopHangs: 0,
};

/** A second state, folded from the stored text alone. */
function createShadow(stored: string[], onBroken: (violation: string) => void) {
  let state: State = emptyState();
  let events: TurnoutEvent[] = [];
  const catchUp = () => {
    for (let at = events.length; at < stored.length; at++) {
      const event = JSON.parse(stored[at] as string) as TurnoutEvent;
      if (event.position !== at + 1) onBroken(`position ${event.position} stands at place ${at + 1}`);
      events.push(event);
      evolve(state, event);
    }
  };
  return {
    catchUp,
    rebuild() {
      state = emptyState();
      events = [];
      catchUp();
    },
    state: () => state,
    events: () => events,
  };
}

const TERMINAL = new Set(['request.finished', 'request.rejected', 'request.cancelled', 'request.lost']);

/** Invariant 2: every arrival has exactly one terminal event. */
function terminals(events: readonly TurnoutEvent[]): string[] {
  const ends = new Map<RequestKey, number>();
  for (const event of events) {
    if (event.request === undefined) continue;
    if (event.type === 'request.arrived') ends.set(event.request, 0);
    else if (TERMINAL.has(event.type)) ends.set(event.request, (ends.get(event.request) ?? 0) + 1);
  }
  return [...ends].filter(([, n]) => n !== 1).map(([key, n]) => `request at ${key} has ${n} terminal events`);
}
