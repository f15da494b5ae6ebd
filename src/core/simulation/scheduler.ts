/** Virtual time: things happen in the order of their time, ties in the order in which they were scheduled. */
import type { Clock } from '../runtime/clock.ts';

export interface Scheduler {
  now(): number;
  /** Calls back after so many virtual ms; returns the way to cancel. */
  after(ms: number, what: () => void): () => void;
  /** Lets the next thing happen; false when nothing is left or it lies beyond the limit. */
  step(limit: number): boolean;
  /** Things still to come. */
  size(): number;
}

interface Entry {
  at: number;
  no: number;
  what: (() => void) | null;
}

/** `quantumMs` above 1 makes things fall together: every time is rounded up to a multiple of it. */
export function createScheduler(start: number, quantumMs = 1): Scheduler {
  const queue: Entry[] = [];
  let now = start;
  let no = 0;

  const before = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.no < b.no);
  function insert(entry: Entry): void {
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(queue[middle] as Entry, entry)) low = middle + 1;
      else high = middle;
    }
    queue.splice(low, 0, entry);
  }

  return {
    now: () => now,
    after(ms, what) {
      const at = Math.ceil((now + Math.max(0, ms)) / quantumMs) * quantumMs;
      const entry: Entry = { at, no: no++, what };
      insert(entry);
      return () => {
        entry.what = null;
      };
    },
    step(limit) {
      for (let entry = queue[0]; entry !== undefined; entry = queue[0]) {
        if (entry.at > limit) return false;
        queue.shift();
        if (entry.what === null) continue;
        now = entry.at;
        entry.what();
        return true;
      }
      return false;
    },
    size: () => queue.filter((entry) => entry.what !== null).length,
  };
}

/** A wall clock that can be set; what passes on it is virtual time. */
export interface WallClock {
  now(): number;
  step(byMs: number): void;
  onStep(listener: (byMs: number) => void): () => void;
}

export function createWallClock(scheduler: Scheduler): WallClock {
  let offset = 0;
  let listeners: ((byMs: number) => void)[] = [];
  return {
    now: () => scheduler.now() + offset,
    step(byMs) {
      offset += byMs;
      for (const listener of listeners) listener(byMs);
    },
    onStep(listener) {
      listeners.push(listener);
      return () => {
        listeners = listeners.filter((one) => one !== listener);
      };
    },
  };
}

/** The kernel's clock over virtual time, as clock.ts makes the real one; dies with the kernel that it belongs to. */
export function virtualClock(scheduler: Scheduler, wall: WallClock, floor: number): Clock {
  const base = Math.max(wall.now(), floor) - scheduler.now();
  const now = () => Math.round(base + scheduler.now());
  let cancel = () => {};
  let stop = () => {};
  return {
    now,
    wakeAt(at, wake) {
      cancel();
      cancel = scheduler.after(at - now(), wake);
    },
    onStep(listener) {
      stop = wall.onStep(listener);
    },
    close() {
      cancel();
      stop();
    },
  };
}
