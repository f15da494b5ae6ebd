/** The lower bound against going through everything that can be done, millisecond by millisecond. Seeds are in the messages. */
import { describe, expect, it } from 'vitest';
import { type BoundRequest, EXACT_REQUESTS_MAX, lowerBoundOf } from '../../src/core/history/simulate/bound.ts';
import { leastWait, type Puzzle } from '../../src/core/history/simulate/bound-search.ts';
import { modelId } from '../../src/core/ids.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';

const TRACES = 100;

interface Trace {
  requests: Puzzle['requests'][number][];
  loadMs: number[];
  size: number[];
  room: number;
  loaded: number[];
}

function traceOf(seed: number, requests: number): Trace {
  const random = seededRandom(seed);
  const models = random.int(2, 3);
  const size = Array.from({ length: models }, () => random.int(1, 3));
  return {
    requests: Array.from({ length: requests }, () => ({
      model: random.int(0, models - 1),
      arrivesAt: random.int(0, 10),
      serveMs: random.int(1, 3),
    })).sort((a, b) => a.arrivesAt - b.arrivesAt),
    loadMs: Array.from({ length: models }, () => random.int(1, 4)),
    size,
    room: random.int(3, 4),
    loaded: random.chance(0.5) ? [random.int(0, models - 1)] : [],
  };
}

const sizeOf = ({ size }: Trace, mask: number): number =>
  size.reduce((sum, one, model) => sum + ((mask & (1 << model)) === 0 ? 0 : one), 0);

const puzzleOf = (trace: Trace): Puzzle => ({
  requests: trace.requests,
  loadMs: trace.loadMs,
  mayStand: (model, beside) => sizeOf(trace, beside | (1 << model)) <= trace.room,
  startsAt: 0,
  loaded: trace.loaded,
});

/** Of one model: -1 = not there, above 0 = loads so long yet, 0 = ready; and for how long it still serves. */
interface World {
  at: number;
  loads: number[];
  serves: number[];
  served: number;
}

/** The cheapest way to serve all, found by trying, in each millisecond, every set of starts and ends, cheapest first. */
function bruteForce(trace: Trace): number {
  const everyone = (1 << trace.requests.length) - 1;
  const loads = trace.loadMs.map((_, model) => (trace.loaded.includes(model) ? 0 : -1));
  const queue: World[][] = [[{ at: 0, loads, serves: loads.map(() => 0), served: 0 }]];
  const seen = new Set<string>();
  for (let cost = 0; ; cost++) {
    const worlds = queue[cost] ?? [];
    for (let world = worlds.pop(); world !== undefined; world = worlds.pop()) {
      if (world.served === everyone) return cost;
      const key = `${world.at}/${world.loads}/${world.serves}/${world.served}`;
      if (seen.has(key)) continue;
      seen.add(key);
      for (const { next, waits } of nextOf(trace, world)) {
        const later = queue[cost + waits] ?? [];
        queue[cost + waits] = later;
        later.push(next);
      }
    }
  }
}

function* nextOf(trace: Trace, world: World): Generator<{ next: World; waits: number }> {
  for (const { loads } of loadsOf(trace, world)) {
    for (const { serves, served } of servesOf(trace, world, loads)) {
      let waits = 0;
      for (const [n, { arrivesAt }] of trace.requests.entries()) {
        if (arrivesAt <= world.at && (served & (1 << n)) === 0) waits++;
      }
      const next = {
        at: world.at + 1,
        loads: loads.map((left) => (left > 0 ? left - 1 : left)),
        serves: serves.map((left) => Math.max(0, left - 1)),
        served,
      };
      yield { next, waits };
    }
  }
}

/** Every way to put out what serves nobody and to begin loads. */
function* loadsOf(trace: Trace, world: World): Generator<{ loads: number[] }> {
  const models = trace.loadMs.length;
  for (let target = 0; target < 1 << models; target++) {
    const loads = [...world.loads];
    let fits = sizeOf(trace, target) <= trace.room;
    for (let model = 0; model < models; model++) {
      const there = (world.loads[model] ?? -1) >= 0;
      const wanted = (target & (1 << model)) !== 0;
      if (there && !wanted && (world.serves[model] ?? 0) > 0) fits = false;
      if (there !== wanted) loads[model] = wanted ? (trace.loadMs[model] ?? 0) : -1;
    }
    if (fits) yield { loads };
  }
}

/** Every choice among those that could be served from now on. */
function* servesOf(trace: Trace, world: World, loads: number[]): Generator<{ serves: number[]; served: number }> {
  const able = trace.requests.flatMap(({ model, arrivesAt }, n) => {
    return arrivesAt <= world.at && (world.served & (1 << n)) === 0 && loads[model] === 0 ? [n] : [];
  });
  for (let some = 0; some < 1 << able.length; some++) {
    const serves = [...world.serves];
    let { served } = world;
    for (const [place, n] of able.entries()) {
      if ((some & (1 << place)) === 0) continue;
      const { model = 0, serveMs = 0 } = trace.requests[n] ?? {};
      serves[model] = Math.max(serves[model] ?? 0, serveMs);
      served |= 1 << n;
    }
    yield { serves, served };
  }
}

describe('the lower bound', () => {
  it(`is what brute force finds, for ${TRACES} random traces of up to 8 requests`, { timeout: 240_000 }, () => {
    let waits = 0;
    for (let seed = 1; seed <= TRACES; seed++) {
      const trace = traceOf(seed, 1 + (seed % EXACT_REQUESTS_MAX));
      const found = leastWait(puzzleOf(trace), 1_000_000);
      expect(found.exact, `seed ${seed}`).toBe(true);
      expect(found.waitMs, `seed ${seed}: ${JSON.stringify(trace)}`).toBe(bruteForce(trace));
      if (found.waitMs > 0) waits++;
    }
    expect(waits).toBeGreaterThan(TRACES / 2);
  });

  it('of many requests never lies above the least there is, and above nothing where swaps cannot be hidden', () => {
    let above = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const trace = traceOf(seed, 11);
      const least = leastWait(puzzleOf(trace), 10_000_000);
      expect(least.exact, `seed ${seed}`).toBe(true);
      const names = trace.loadMs.map((_, model) => modelId(`m${model}`));
      const requests: BoundRequest[] = trace.requests.map(({ model, ...rest }) => ({ ...rest, model: names[model]! }));
      const found = lowerBoundOf({
        requests,
        loadMs: (id) => trace.loadMs[names.indexOf(id)] ?? 0,
        law: (id, beside) =>
          puzzleOf(trace).mayStand(names.indexOf(id), maskOf(beside.map((one) => names.indexOf(one)))),
        startsAt: 0,
        loaded: trace.loaded.map((model) => names[model]!),
      });
      expect(found).toMatchObject({ exact: false, of: 11 });
      expect(found.waitMs, `seed ${seed}`).toBeLessThanOrEqual(least.waitMs);
      if (found.waitMs > 0) above++;
    }
    expect(above).toBeGreaterThan(30);
  });
});

const maskOf = (models: readonly number[]): number => models.reduce((mask, model) => mask | (1 << model), 0);
