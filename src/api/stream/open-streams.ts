/**
 * The endless answers that are open now (log streams, event feeds), so that a shutdown can end them instead of waiting
 * for clients that never leave. Must never hold an answer that ends by itself.
 */

export interface OpenStreams {
  /** Registers a way to end one; returns the way to forget it. Ends it at once when the server is closing already. */
  add(end: () => void): () => void;
  /** Ends all, now and in future. Idempotent. */
  closeAll(): void;
  readonly size: number;
}

export function createOpenStreams(): OpenStreams {
  const open = new Set<() => void>();
  let closing = false;
  return {
    add(end) {
      if (closing) end();
      else open.add(end);
      return () => {
        open.delete(end);
      };
    },
    closeAll() {
      closing = true;
      const ending = [...open];
      open.clear();
      for (const end of ending) end();
    },
    get size() {
      return open.size;
    },
  };
}
