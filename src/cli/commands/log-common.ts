/**
 * What the `turnout log` commands share: where the log lies, a line that says how far long work is, and how Ctrl-C ends
 * it. Must never leave anything behind when it was stopped.
 */
import { findTurnout, needStateDir } from '../client.ts';
import type { GlobalOptions } from '../output.ts';
import { fail } from '../output.ts';

const SHOWN_EVERY_MS = 100;
const STOPPED_EXIT_CODE = 130;

/** The state directory that is meant, whether or not a turnout runs. Throws TurnoutError('not-found'). */
export async function logDirOf(options: GlobalOptions): Promise<string> {
  return options.stateDir ?? needStateDir(await findTurnout(options));
}

export interface Progress {
  show(text: string): void;
  /** Takes the line away. */
  end(): void;
}

/** A line that is written over; nothing when nobody looks at it. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let shownAt = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    show(text) {
      const now = performance.now();
      if (stream.isTTY !== true || now - shownAt < SHOWN_EVERY_MS) return;
      shownAt = now;
      shown = true;
      stream.write(`\r${text}\u001b[K`);
    },
    end() {
      if (shown) stream.write('\r\u001b[K');
      shown = false;
    },
  };
}

export const percent = (share: number): string => `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`;

/**
 * Work that the first Ctrl-C ends cleanly and a second one at once. Null when it was stopped: that has been said then, and
 * the exit code is set.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal, progress: Progress) => Promise<T>,
): Promise<T | null> {
  const stop = new AbortController();
  const progress = createProgress();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await work(stop.signal, progress);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    progress.end();
    fail('stopped, nothing was changed', STOPPED_EXIT_CODE);
    return null;
  } finally {
    progress.end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
