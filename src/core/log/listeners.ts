/**
 * A set of listeners, called in the order in which they came. Must never call one from inside the call that caused it:
 * `tellSoon` waits for a microtask, so that the loop is never entered again from its own `append`.
 */

export interface Listeners<T> {
  /** Returns the way to stop. */
  add(listener: (value: T) => void): () => void;
  /** Calls all with the value that `current` returns by then; several calls before that are one. */
  tellSoon(current: () => T): void;
}

export function createListeners<T>(): Listeners<T> {
  const all = new Set<{ call: (value: T) => void }>();
  let soon = false;
  return {
    add(listener) {
      const entry = { call: listener };
      all.add(entry);
      return () => void all.delete(entry);
    },
    tellSoon(current) {
      if (soon) return;
      soon = true;
      queueMicrotask(() => {
        soon = false;
        const value = current();
        for (const entry of [...all]) entry.call(value);
      });
    },
  };
}
