/**
 * Asking tools that may not answer: each gets two seconds, is never asked twice at once, and rests for five minutes after
 * three failures in a row. Each kind of failure is told once.
 * Must never reject, and never let anybody wait longer than those two seconds.
 */
import { LIMITS } from '../../limits.ts';

/** Why there is no answer. `cause` is stable: a warning is given once for each. `text` says whose failure it is. */
export interface Problem {
  cause: string;
  text: string;
}

export type Answer<T> = { value: T } | { problem: Problem };

/** Asks once; null when there is no answer. `work` must end when its signal is aborted, as far as that can be done. */
export type Ask = <T>(name: string, work: (signal: AbortSignal) => Promise<Answer<T>>) => Promise<T | null>;

export interface Attempts {
  ask: Ask;
  /** True after three failures in a row, until it answers again. */
  gaveUp(name: string): boolean;
  /** Why the last attempt failed; null when it did not. */
  problemOf(name: string): string | null;
  /** Ends what is under way. */
  close(): void;
}

/** Time as the sampler sees it; tests put their own here. */
export interface SamplerClock {
  /** Milliseconds, never decreasing. */
  now(): number;
  /** Returns the way to cancel it. */
  after(ms: number, then: () => void): () => void;
}

export const realSamplerClock: SamplerClock = {
  now: () => performance.now(),
  after(ms, then) {
    // a look that is due must not keep a turnout alive that has ended
    const timer = setTimeout(then, ms).unref();
    return () => clearTimeout(timer);
  },
};

interface Record {
  failures: number;
  restsUntil: number;
  problem: string | null;
  /** Aborts the attempt that has not ended; it may have been given up long ago. */
  underWay: AbortController | null;
}

export function createAttempts(clock: SamplerClock, onWarning: (text: string) => void): Attempts {
  const records = new Map<string, Record>();
  const told = new Set<string>();
  let closed = false;

  const recordOf = (name: string): Record => {
    const record = records.get(name) ?? { failures: 0, restsUntil: 0, problem: null, underWay: null };
    records.set(name, record);
    return record;
  };

  const fail = (name: string, { cause, text }: Problem): null => {
    if (closed) return null;
    const record = recordOf(name);
    record.failures++;
    record.problem = text;
    if (record.failures >= LIMITS.deviceToolFailuresMax) record.restsUntil = clock.now() + LIMITS.deviceToolAgainMs;
    const key = `${name}:${cause}`;
    if (!told.has(key)) {
      told.add(key);
      onWarning(text);
    }
    return null;
  };

  async function ask<T>(name: string, work: (signal: AbortSignal) => Promise<Answer<T>>): Promise<T | null> {
    const record = recordOf(name);
    if (closed || clock.now() < record.restsUntil) return null;
    if (record.underWay !== null) return fail(name, noAnswer(name));
    const controller = new AbortController();
    record.underWay = controller;
    const answer = await withinTime(name, work, controller, clock, () => {
      record.underWay = null;
    });
    if (answer === null) return fail(name, noAnswer(name));
    if ('problem' in answer) return fail(name, answer.problem);
    record.failures = 0;
    record.problem = null;
    return answer.value;
  }

  return {
    ask,
    gaveUp: (name) => recordOf(name).failures >= LIMITS.deviceToolFailuresMax,
    problemOf: (name) => recordOf(name).problem,
    close() {
      closed = true;
      for (const { underWay } of records.values()) underWay?.abort();
    },
  };
}

/** null when the time was up first. `onEnd`: the work has ended, in time or not. */
function withinTime<T>(
  name: string,
  work: (signal: AbortSignal) => Promise<Answer<T>>,
  controller: AbortController,
  clock: SamplerClock,
  onEnd: () => void,
): Promise<Answer<T> | null> {
  return new Promise((resolve) => {
    const cancel = clock.after(LIMITS.deviceToolMs, () => {
      resolve(null);
      controller.abort();
    });
    work(controller.signal)
      .catch((error: unknown): Answer<T> => ({ problem: { cause: 'error', text: `${name}: ${reasonOf(error)}` } }))
      .then((answer) => {
        cancel();
        onEnd();
        resolve(answer);
      });
  });
}

function noAnswer(name: string): Problem {
  return { cause: 'no-answer', text: `${name} did not answer within ${LIMITS.deviceToolMs / 1_000} s` };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
