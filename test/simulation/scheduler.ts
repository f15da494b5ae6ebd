/** Virtual time: things happen in the order of their time, ties in the order in which they were scheduled. */
import type { Clock } from '../../src/core/runtime/clock.ts';

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

export function createScheduler(start: number): Scheduler {
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
      const entry: Entry = { at: now + Math.max(0, ms), no: no++, what };
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

/** The kernel's clock over virtual time; dies with the kernel that it belongs to. */
export function virtualClock(scheduler: Scheduler): Clock {
  let cancel = () => {};
  return {
    now: () => Math.round(scheduler.now()),
    wakeAt(at, wake) {
      cancel();
      cancel = scheduler.after(at - scheduler.now(), wake);
    },
    onStep: () => {},
    close: () => cancel(),
  };
}
