/**
 * The slots of the fake model, as llama.cpp has them: each answers one request at a time and remembers its last prompt,
 * whose common beginning with the next one counts as cached. Must never keep a slot busy for a client that left.
 */

/** Words of a prompt remembered per slot; enough for a conversation in a test. */
const REMEMBERED_WORDS = 4_096;

export interface Slot {
  readonly id: number;
  busy: boolean;
  /** Number of the request, counted from 0; -1 before the first. */
  task: number;
  words: readonly string[];
  decoded: number;
  remaining: number;
}

export interface SlotPool {
  /** Waits for a free slot, first come first served; null when the client left before. */
  acquire(words: readonly string[], gone: AbortSignal): Promise<{ slot: Slot; cached: number } | null>;
  release(slot: Slot): void;
  /** What `GET /slots` shows. */
  view(): object[];
}

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n++;
  return n;
}

export function createSlots(count: number): SlotPool {
  const slots: Slot[] = Array.from({ length: Math.max(1, count) }, (_, id) => {
    return { id, busy: false, task: -1, words: [], decoded: 0, remaining: 0 };
  });
  const queue: (() => void)[] = [];
  let tasks = 0;

  function take(words: readonly string[]): { slot: Slot; cached: number } | null {
    let best: Slot | null = null;
    let cached = -1;
    for (const slot of slots) {
      if (slot.busy) continue;
      const common = commonPrefix(slot.words, words);
      if (common > cached) {
        best = slot;
        cached = common;
      }
    }
    if (best === null) return null;
    best.busy = true;
    best.task = tasks++;
    best.words = words.slice(0, REMEMBERED_WORDS);
    best.decoded = 0;
    best.remaining = 0;
    // The last word is always read again: its evaluation yields the first token.
    return { slot: best, cached: Math.min(cached, Math.max(0, words.length - 1)) };
  }

  return {
    acquire(words, gone) {
      return new Promise((resolve) => {
        if (gone.aborted) return resolve(null);
        const at = queue.length === 0 ? take(words) : null;
        if (at !== null) return resolve(at);
        const turn = () => {
          gone.removeEventListener('abort', leave);
          resolve(take(words));
        };
        const leave = () => {
          queue.splice(queue.indexOf(turn), 1);
          resolve(null);
        };
        gone.addEventListener('abort', leave, { once: true });
        queue.push(turn);
      });
    },
    release(slot) {
      slot.busy = false;
      slot.remaining = 0;
      queue.shift()?.();
    },
    view() {
      return slots.map((slot) => ({
        id: slot.id,
        id_task: slot.task,
        n_ctx: 4_096,
        speculative: false,
        is_processing: slot.busy,
        n_prompt_tokens: slot.words.length,
        next_token: [{ has_next_token: slot.busy, n_remain: slot.remaining, n_decoded: slot.decoded }],
      }));
    },
  };
}
