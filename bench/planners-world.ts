/**
 * The workload without turnout: a small world of agents, models that are loaded and loading, and memory, moved on from
 * event to event. What leaves when is decided by whoever plays it. Must never load what nobody waits for, and must
 * never stop a model that is busy: no contender may do either.
 */
import type { Run } from './planners-run.ts';
import type { Workload } from './planners-workload.ts';

/** Time from the order to stop until a model is gone: the mean of what the simulated processes take. */
export const STOP_MS = 200;

/** The workload with models as numbers. */
export interface Ground {
  gib: number[];
  loadMs: number[];
  deviceGib: number;
  agents: { startMs: number; model: Uint8Array; serviceMs: Int32Array; thinkMs: Int32Array }[];
}

export function groundOf(workload: Workload): Ground {
  const no = new Map(workload.models.map((model, i) => [model.id, i]));
  return {
    gib: workload.models.map((model) => model.gib),
    loadMs: workload.models.map((model) => model.loadMs),
    deviceGib: workload.deviceGib,
    agents: workload.agents.map(({ startMs, steps }) => ({
      startMs,
      model: Uint8Array.from(steps, (step) => no.get(step.model) as number),
      serviceMs: Int32Array.from(steps, (step) => step.serviceMs),
      thinkMs: Int32Array.from(steps, (step) => step.thinkMs),
    })),
  };
}

export type Doing = 'thinks' | 'waits' | 'served' | 'done';

/** Arrays by agent (`step`, `doing`, `since`, `until`) and by model (`ready`, `loadingUntil`); times in ms. */
export interface World {
  now: number;
  step: number[];
  doing: Doing[];
  /** When the agent began to wait, or to do what it does. */
  since: number[];
  /** When it ends by itself; Infinity while it waits. */
  until: number[];
  ready: boolean[];
  /** Infinity when it is not loading. */
  loadingUntil: number[];
  waitMs: number;
  loadingMs: number;
  swaps: number;
  granted: number;
  /** The last grant, and through it all before: worlds that part share their past. */
  grants: Grant | null;
}

export interface Grant {
  model: number;
  waitedMs: number;
  endsAt: number;
  before: Grant | null;
}

export function newWorld(ground: Ground): World {
  return {
    now: 0,
    step: ground.agents.map(() => 0),
    doing: ground.agents.map(() => 'thinks'),
    since: ground.agents.map(() => 0),
    until: ground.agents.map((agent) => agent.startMs),
    ready: ground.gib.map(() => false),
    loadingUntil: ground.gib.map(() => Number.POSITIVE_INFINITY),
    waitMs: 0,
    loadingMs: 0,
    swaps: 0,
    granted: 0,
    grants: null,
  };
}

export function copyOf(world: World): World {
  const { step, doing, since, until, ready, loadingUntil } = world;
  return {
    ...world,
    step: step.slice(),
    doing: doing.slice(),
    since: since.slice(),
    until: until.slice(),
    ready: ready.slice(),
    loadingUntil: loadingUntil.slice(),
  };
}

/** The model that the agent asks for, is served by, or asks for next. */
export function modelAsked(ground: Ground, world: World, agent: number): number {
  return ground.agents[agent]!.model[world.step[agent]!]!;
}

export function isLoading(world: World, model: number): boolean {
  return world.loadingUntil[model] !== Number.POSITIVE_INFINITY;
}

export function isBusy(ground: Ground, world: World, model: number): boolean {
  for (let agent = 0; agent < world.doing.length; agent++) {
    if (world.doing[agent] === 'served' && modelAsked(ground, world, agent) === model) return true;
  }
  return false;
}

/** GiB that are not taken by what is loaded or loading. */
export function freeGib(ground: Ground, world: World): number {
  let free = ground.deviceGib;
  for (let model = 0; model < ground.gib.length; model++) {
    if (world.ready[model] === true || isLoading(world, model)) free -= ground.gib[model]!;
  }
  return free;
}

/** Models that somebody waits for and that are neither loaded nor loading, the one asked for longest ago first. */
export function targetsOf(ground: Ground, world: World): number[] {
  const since = new Map<number, number>();
  for (let agent = 0; agent < world.doing.length; agent++) {
    if (world.doing[agent] !== 'waits') continue;
    const model = modelAsked(ground, world, agent);
    if (world.ready[model] === true || isLoading(world, model)) continue;
    since.set(model, Math.min(since.get(model) ?? Number.POSITIVE_INFINITY, world.since[agent]!));
  }
  return [...since.keys()].sort((a, b) => since.get(a)! - since.get(b)!);
}

export function startLoad(ground: Ground, world: World, target: number, evict: readonly number[]): void {
  for (const model of evict) world.ready[model] = false;
  const takesMs = ground.loadMs[target]! + (evict.length > 0 ? STOP_MS : 0);
  world.loadingUntil[target] = world.now + takesMs;
  world.loadingMs += ground.loadMs[target]!;
  world.swaps++;
}

/** What happened in it, as the runs on the real loop are told. */
export function runOf(workload: Workload, world: World): Run {
  const { swaps, loadingMs } = world;
  const run: Run = { grants: [], swaps, loadingMs, swapsAvoided: null, errors: [] };
  for (let grant = world.grants; grant !== null; grant = grant.before) {
    const { model, waitedMs, endsAt } = grant;
    run.grants.push({ model: workload.models[model]?.id ?? '', waitedMs, endsAt });
  }
  return run;
}

/** Lets the next thing happen, and grants what can be granted; false when everything is over. */
export function advance(ground: Ground, world: World): boolean {
  let next = Number.POSITIVE_INFINITY;
  for (const until of world.until) next = Math.min(next, until);
  for (const until of world.loadingUntil) next = Math.min(next, until);
  if (next === Number.POSITIVE_INFINITY) return false;
  world.now = next;
  for (let model = 0; model < world.ready.length; model++) {
    if (world.loadingUntil[model] !== next) continue;
    world.loadingUntil[model] = Number.POSITIVE_INFINITY;
    world.ready[model] = true;
  }
  for (let agent = 0; agent < world.until.length; agent++)
    if (world.until[agent] === next) endDoing(ground, world, agent);
  for (let agent = 0; agent < world.until.length; agent++) grant(ground, world, agent);
  return true;
}

function endDoing(ground: Ground, world: World, agent: number): void {
  const { model, thinkMs } = ground.agents[agent]!;
  world.since[agent] = world.now;
  if (world.doing[agent] === 'thinks') {
    world.doing[agent] = 'waits';
    world.until[agent] = Number.POSITIVE_INFINITY;
    return;
  }
  const thinks = thinkMs[world.step[agent]!]!;
  const over = ++world.step[agent]! >= model.length;
  world.doing[agent] = over ? 'done' : 'thinks';
  world.until[agent] = over ? Number.POSITIVE_INFINITY : world.now + thinks;
}

function grant(ground: Ground, world: World, agent: number): void {
  if (world.doing[agent] !== 'waits') return;
  const model = modelAsked(ground, world, agent);
  if (world.ready[model] !== true) return;
  const waitedMs = world.now - world.since[agent]!;
  const endsAt = world.now + ground.agents[agent]!.serviceMs[world.step[agent]!]!;
  world.waitMs += waitedMs;
  world.granted++;
  world.grants = { model, waitedMs, endsAt, before: world.grants };
  world.doing[agent] = 'served';
  world.since[agent] = world.now;
  world.until[agent] = endsAt;
}
