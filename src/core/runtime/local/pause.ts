/**
 * A pause that can be cut short: what a loop waits on between two looks at the world.
 * Must never lose a wake-up that comes while nobody waits: the next pause is then over at once.
 */
export interface Pause {
  /** @param keepAlive whether the timer keeps the process alive */
  wait(ms: number): Promise<void>;
  wake(): void;
}

export function createPause(): Pause {
  let woken = false;
  let resume: (() => void) | null = null;
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        if (woken) {
          woken = false;
          resolve();
          return;
        }
        const timer = setTimeout(() => resume?.(), ms);
        resume = () => {
          clearTimeout(timer);
          resume = null;
          resolve();
        };
      }),
    wake: () => {
      if (resume === null) woken = true;
      else resume();
    },
  };
}
