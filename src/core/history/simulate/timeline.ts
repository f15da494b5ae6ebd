/**
 * Virtual time: what is to come, in order of time; of what falls on the same moment the smaller key comes first, then what
 * was put down first. Must never run backwards.
 */
export interface Timeline {
  now(): number;
  /** Returns the way to cancel. A time that has passed counts as now. */
  at(time: number, key: number, what: () => void): () => void;
  /** Time and key of what comes next; null = nothing. */
  next(): { at: number; key: number } | null;
  /** Lets it happen. */
  step(): void;
  /** Moves time on to something that is not on the line. */
  moveTo(time: number): void;
}

interface Entry {
  at: number;
  key: number;
  no: number;
  what: (() => void) | null;
}

export function createTimeline(start: number): Timeline {
  const heap: Entry[] = [];
  let now = start;
  let no = 0;

  const before = (a: Entry, b: Entry): boolean =>
    a.at !== b.at ? a.at < b.at : a.key !== b.key ? a.key < b.key : a.no < b.no;

  function push(entry: Entry): void {
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(entry, heap[parent] as Entry)) break;
      heap[place] = heap[parent] as Entry;
      place = parent;
    }
    heap[place] = entry;
  }

  function pop(): void {
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!before(heap[child] as Entry, last)) break;
      heap[place] = heap[child] as Entry;
      place = child;
    }
    heap[place] = last;
  }

  return {
    now: () => now,
    at(time, key, what) {
      const entry: Entry = { at: Math.max(now, time), key, no: no++, what };
      push(entry);
      return () => {
        entry.what = null;
      };
    },
    next() {
      while (heap[0]?.what === null) pop();
      return heap[0] ?? null;
    },
    step() {
      const entry = heap[0];
      if (entry === undefined) return;
      pop();
      now = entry.at;
      entry.what?.();
    },
    moveTo(time) {
      now = Math.max(now, time);
    },
  };
}
