/**
 * turnout's clock (kernel section 1): the wall clock at start plus the monotonic clock, never below the last event of the
 * log. Steps of the wall clock change nothing here; they are only noticed.
 */
import { LIMITS } from '../limits.ts';

export interface Clock {
  /** Milliseconds, never decreasing. */
  now(): number;
  /** Arms the one timer; replaces the one before. */
  wakeAt(at: number, wake: () => void): void;
  /** Calls back when the wall clock jumped by more than a second against `now()`. */
  onStep(listener: (byMs: number) => void): void;
  close(): void;
}

const TIMER_MAX_MS = 2 ** 31 - 1;

/** The real clock. `floor` is the time of the last event in the log. */
export function realClock(floor: number): Clock {
  const wallAtStart = Math.max(Date.now(), floor);
  const monotonicAtStart = performance.now();
  const now = () => Math.round(wallAtStart + performance.now() - monotonicAtStart);
  let timer: NodeJS.Timeout | undefined;
  let offset = Date.now() - now();
  const listeners: ((byMs: number) => void)[] = [];
  const check = setInterval(() => {
    const step = Date.now() - now() - offset;
    if (Math.abs(step) <= LIMITS.clockStepMs) return;
    offset += step;
    for (const listener of listeners) listener(Math.round(step));
  }, LIMITS.clockCheckMs);
  check.unref();

  return {
    now,
    wakeAt(at, wake) {
      clearTimeout(timer);
      timer = setTimeout(wake, Math.min(TIMER_MAX_MS, Math.max(0, at - now())));
    },
    onStep: (listener) => {
      listeners.push(listener);
    },
    close() {
      clearTimeout(timer);
      clearInterval(check);
    },
  };
}
