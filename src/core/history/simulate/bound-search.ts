/**
 * The least total wait of a few requests under a law of what may stand together, by search over every order of loads: what
 * somebody achieves who knows all that comes. Models may be loaded ahead, stops take no time, a busy model is not stopped.
 * Exact as long as its steps last. Pure.
 */

/** Times in ms; models are numbers. */
export interface Puzzle {
  requests: readonly { model: number; arrivesAt: number; serveMs: number }[];
  /** By model. */
  loadMs: readonly number[];
  /** Whether a model may be loaded beside these (a bit each, the model itself not among them). */
  mayStand(model: number, beside: number): boolean;
  /** When loading can begin at the earliest; -Infinity = whatever was loaded before was free. */
  startsAt: number;
  /** Models that are loaded then. */
  loaded: readonly number[];
}

export interface Searched {
  waitMs: number;
  steps: number;
  /** False: the steps were spent, and `waitMs` is 0. */
  exact: boolean;
}

/**
 * A schedule is a row of loads in order of their start. Each begins as early as it can: not before the one before it, and
 * not before what it puts out has served those that it was to serve. So it is enough to choose, load by load, which model
 * comes, what leaves, and whom each that leaves has served.
 */
export function leastWait(puzzle: Puzzle, stepsMax: number): Searched {
  const { requests, loadMs, mayStand } = puzzle;
  const everyone = (1 << requests.length) - 1;
  const readyAt = loadMs.map(() => Number.NaN);
  let loaded = 0;
  for (const model of puzzle.loaded) {
    loaded |= 1 << model;
    readyAt[model] = puzzle.startsAt;
  }
  const maskOf = loadMs.map((_, model) =>
    requests.reduce((mask, one, n) => (one.model === model ? mask | (1 << n) : mask), 0),
  );
  let best = Number.POSITIVE_INFINITY;
  let steps = 0;
  const seen = new Map<string, number>();

  const waitOf = (mask: number, ready: number): number => {
    let sum = 0;
    for (let n = 0; n < requests.length; n++) {
      if ((mask & (1 << n)) !== 0) sum += Math.max(0, ready - (requests[n]?.arrivesAt ?? 0));
    }
    return sum;
  };

  /** What those who are not served yet wait at least. */
  function atLeast(left: number, set: number, since: number): number {
    let sum = 0;
    for (let model = 0; model < loadMs.length; model++) {
      const mine = left & (maskOf[model] ?? 0);
      if (mine === 0) continue;
      sum += waitOf(mine, (set & (1 << model)) !== 0 ? (readyAt[model] ?? 0) : since + (loadMs[model] ?? 0));
    }
    return sum;
  }

  /** When a model is free that serves these before it leaves. */
  function endOf(model: number, mask: number): number {
    let end = mask === 0 ? Number.NEGATIVE_INFINITY : (readyAt[model] ?? 0);
    for (let n = 0; n < requests.length; n++) {
      if ((mask & (1 << n)) === 0) continue;
      const { arrivesAt = 0, serveMs = 0 } = requests[n] ?? {};
      end = Math.max(end, Math.max(readyAt[model] ?? 0, arrivesAt) + serveMs);
    }
    return end;
  }

  function search(left: number, set: number, since: number, waited: number): void {
    if (steps >= stepsMax) return;
    steps++;
    if (waited + atLeast(left, set, since) >= best) return;
    const times = readyAt.map((at, model) => ((set & (1 << model)) !== 0 ? at : '')).join(' ');
    const key = `${left}/${set}/${since}/${times}`;
    if ((seen.get(key) ?? Number.POSITIVE_INFINITY) <= waited) return;
    seen.set(key, waited);
    let stays = 0;
    for (let model = 0; model < loadMs.length; model++) if ((set & (1 << model)) !== 0) stays |= maskOf[model] ?? 0;
    if ((left & ~stays) === 0) best = Math.min(best, waited + atLeast(left, set, since));
    for (let model = 0; model < loadMs.length; model++) {
      if ((set & (1 << model)) !== 0 || (left & (maskOf[model] ?? 0)) === 0) continue;
      for (const evict of leastSets(set, (rest) => mayStand(model, rest)))
        leave(model, evict, left, set, since, waited);
    }
  }

  /** Every way in which those that leave for `model` may have served some of theirs before. */
  function leave(model: number, evict: number, left: number, set: number, since: number, waited: number): void {
    if (evict === 0) {
      const before = readyAt[model] ?? 0;
      readyAt[model] = since + (loadMs[model] ?? 0);
      search(left, set | (1 << model), since, waited);
      readyAt[model] = before;
      return;
    }
    const victim = 31 - Math.clz32(evict);
    const mine = left & (maskOf[victim] ?? 0);
    for (let some = mine; ; some = (some - 1) & mine) {
      const end = Math.max(since, endOf(victim, some));
      const cost = waited + waitOf(some, readyAt[victim] ?? 0);
      if (cost < best) leave(model, evict & ~(1 << victim), left & ~some, set & ~(1 << victim), end, cost);
      if (some === 0) return;
    }
  }

  search(everyone, loaded, puzzle.startsAt, 0);
  const exact = steps < stepsMax;
  return { waitMs: exact ? best : 0, steps, exact };
}

/** The sets among `set` that have to leave at least: none of which could keep one of its own. */
function leastSets(set: number, fits: (rest: number) => boolean): number[] {
  const found: number[] = [];
  const all: number[] = [];
  for (let evict = set; ; evict = (evict - 1) & set) {
    all.push(evict);
    if (evict === 0) break;
  }
  all.sort((a, b) => bits(a) - bits(b) || a - b);
  for (const evict of all) {
    if (found.some((less) => (less & evict) === less)) continue;
    if (fits(set & ~evict)) found.push(evict);
  }
  return found;
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
