/**
 * Signals (spec 1.3, design section 9): the first SIGTERM or SIGINT drains and stops every child, the second stops at
 * once. A backstop ends the process if even that does not.
 */
import { LIMITS } from '../core/limits.ts';
import type { TextLog } from '../core/runtime/text-log.ts';
import type { Parts } from './parts.ts';

/** Resolves when everything has been stopped. */
export function stopOnSignals(parts: Parts, textLog: TextLog): Promise<void> {
  return new Promise((resolve) => {
    let asked = 0;
    const stop = (signal: string) => {
      asked++;
      if (asked > 2) process.exit(1);
      if (asked === 2) textLog.warn(`${signal} came again: stopping at once`);
      const limit = asked === 1 ? LIMITS.shutdownBackstopMs : LIMITS.killConfirmMs;
      const backstop = setTimeout(() => {
        textLog.error(
          `still not stopped after ${limit / 1000} s: giving up; what is left is stopped by the next start`,
        );
        process.exit(1);
      }, limit);
      backstop.unref();
      if (asked > 1) {
        void parts.router.shutdown(signal, true);
        void parts.api.close(0);
        return;
      }
      parts.stop(signal, false).then(resolve, (error: unknown) => {
        textLog.error(`stop: ${error instanceof Error ? error.message : error}`);
        process.exitCode = 1;
        resolve();
      });
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('uncaughtException', (error) => {
      textLog.error(`unexpected: ${error.stack ?? error.message}`);
      process.exitCode = 1;
      stop('an unexpected error');
    });
  });
}
