/**
 * The best order of swaps found by somebody who knows every request to come and how long it takes: a beam search over
 * what could be loaded when, and in whose place. The best found, not a bound: a better order may exist.
 * Must never load ahead of a request, nor stop a busy model: no contender may.
 */
import {
  advance,
  copyOf,
  freeGib,
  type Ground,
  isBusy,
  isLoading,
  modelAsked,
  newWorld,
  startLoad,
  targetsOf,
  type World,
} from './planners-world.ts';

/** Decisions between two grants that one world may lead to; beyond it the later ones are not tried. */
const LEAVES_MAX = 60;
/** How far the worth of what is loaded looks ahead, in requests of one agent, and its weight: found by trying. */
const LOOK_AHEAD = 12;
const WORTH_OF_LOADED = 0.5;

/**
 * Plays the workload with the order of swaps that cost the least waiting, of all that were tried: worlds are compared
 * when they have granted equally many requests, and the best `width` of them go on.
 */
export function bestOrder(ground: Ground, width: number): World {
  let beam: World[] = [newWorld(ground)];
  let best: World | null = null;
  while (beam.length > 0) {
    const next = new Map<string, { world: World; score: number }>();
    for (const world of beam) {
      for (const leaf of untilNextGrant(ground, world)) {
        if (isOver(leaf)) {
          if (best === null || leaf.waitMs < best.waitMs) best = leaf;
          continue;
        }
        const score = scoreOf(ground, leaf);
        const key = keyOf(leaf);
        const known = next.get(key);
        if (known === undefined || score < known.score) next.set(key, { world: leaf, score });
      }
    }
    const ranked = [...next.values()].sort((a, b) => a.score - b.score);
    beam = ranked.slice(0, width).map(({ world }) => world);
  }
  if (best === null) throw new Error('the offline order: expected the workload to come to an end, got none that does');
  return best;
}

function isOver(world: World): boolean {
  return world.doing.every((doing) => doing === 'done');
}

/** Every world that this one can be when it grants its next requests, or comes to its end. */
function untilNextGrant(ground: Ground, from: World): World[] {
  const leaves: World[] = [];
  const open: World[] = [from];
  for (let world = open.pop(); world !== undefined && leaves.length < LEAVES_MAX; world = open.pop()) {
    for (const choice of choicesOf(ground, world)) {
      const after = copyOf(world);
      if (choice !== null) {
        startLoad(ground, after, choice.target, choice.evict);
        if (targetsOf(ground, after).length > 0) {
          open.push(after);
          continue;
        }
      }
      let goesOn = advance(ground, after);
      while (goesOn && after.granted === from.granted && targetsOf(ground, after).length === 0) {
        goesOn = advance(ground, after);
      }
      if (after.granted > from.granted || isOver(after)) leaves.push(after);
      else if (goesOn) open.push(after);
    }
  }
  return leaves;
}

interface Choice {
  target: number;
  evict: number[];
}

/** What could be begun now; null = nothing, wait for what happens next. */
function choicesOf(ground: Ground, world: World): (Choice | null)[] {
  const free = freeGib(ground, world);
  const choices: (Choice | null)[] = [];
  const idle = world.ready.flatMap((ready, model) => (ready && !isBusy(ground, world, model) ? [model] : []));
  for (const target of targetsOf(ground, world)) {
    const short = ground.gib[target]! - free;
    if (short <= 0) return [{ target, evict: [] }]; // room that nobody uses
    for (const evict of leastSets(ground, idle, short)) choices.push({ target, evict });
  }
  choices.push(null);
  return choices;
}

/** Sets of idle models that make enough room, none of which could keep one of its models. */
function leastSets(ground: Ground, idle: readonly number[], shortGib: number): number[][] {
  const sets: number[][] = [];
  for (let mask = 1; mask < 1 << idle.length; mask++) {
    const evict = idle.filter((_, i) => (mask & (1 << i)) !== 0);
    const frees = evict.reduce((sum, model) => sum + ground.gib[model]!, 0);
    if (frees >= shortGib && evict.every((model) => frees - ground.gib[model]! < shortGib)) sets.push(evict);
  }
  return sets;
}

/** Waiting so far, that of those who wait now and what they will wait at least, less what is loaded for what comes. */
function scoreOf(ground: Ground, world: World): number {
  let score = world.waitMs;
  for (let agent = 0; agent < world.doing.length; agent++) {
    if (world.doing[agent] === 'done') continue;
    const model = modelAsked(ground, world, agent);
    const toLoad = untilReady(ground, world, model);
    if (world.doing[agent] === 'waits') score += world.now - world.since[agent]! + toLoad;
    else if (world.doing[agent] === 'thinks') score += Math.max(0, toLoad - (world.until[agent]! - world.now));
  }
  for (let model = 0; model < world.ready.length; model++) {
    if (world.ready[model] !== true && !isLoading(world, model)) continue;
    score -= WORTH_OF_LOADED * soonness(ground, world, model) * ground.loadMs[model]!;
  }
  return score;
}

function untilReady(ground: Ground, world: World, model: number): number {
  if (world.ready[model] === true) return 0;
  return isLoading(world, model) ? world.loadingUntil[model]! - world.now : ground.loadMs[model]!;
}

/** 1 for a model that is asked for next, 0 for one that nobody asks for among the next requests. */
function soonness(ground: Ground, world: World, model: number): number {
  let soonest = LOOK_AHEAD;
  for (let agent = 0; agent < ground.agents.length; agent++) {
    const from = world.step[agent]!;
    const at = ground.agents[agent]!.model.indexOf(model, from);
    if (at >= 0) soonest = Math.min(soonest, at - from);
  }
  return 1 - soonest / LOOK_AHEAD;
}

/** Worlds that are alike but for their past. */
function keyOf(world: World): string {
  const times = world.until.map((until) => until - world.now);
  const waits = world.since.map((since, agent) => (world.doing[agent] === 'waits' ? since - world.now : 0));
  const loads = world.loadingUntil.map((until) => until - world.now);
  return `${world.step}/${times}/${waits}/${world.ready}/${loads}`;
}
