/**
 * Proves the part of a large log that its start did not read, in a thread of its own, while the log is in use. Must never
 * act on what another guard finds sooner: only on contents that are not what was written.
 */
import { logFiles } from './log-files.ts';
import type { LogLimits } from './log-limits.ts';
import { createReaderClient } from './sqlite-reader-client.ts';

export interface Proof {
  /** Resolves when all was read; never rejects. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** `onDamage` is told what is wrong, once. */
export function startProof(
  dir: string,
  limits: LogLimits,
  onDamage: (reason: string, detail: string) => void,
  onError: (error: unknown) => void,
): Proof {
  const reader = createReaderClient({ files: logFiles(dir), verify: false });
  const stopped = Promise.withResolvers<void>();
  let over = false;
  const timer = setTimeout(() => stopped.resolve(), limits.logProofDelayMs);
  timer.unref();

  async function prove(): Promise<void> {
    await stopped.promise;
    if (over) return;
    try {
      const found = await reader.ask({ kind: 'inspect' });
      if (!over && (found?.reason === 'damaged' || found?.reason === 'newer')) onDamage(found.reason, found.detail);
    } catch (error) {
      if (!over) onError(error);
    }
    await stop();
  }

  async function stop(): Promise<void> {
    over = true;
    clearTimeout(timer);
    stopped.resolve();
    await reader.close();
  }

  return { done: prove(), stop };
}
