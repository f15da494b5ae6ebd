/**
 * Signals (spec 1.3, design section 9): the first SIGTERM or SIGINT drains and stops every child, the second stops at
 * once. With `turnout.shutdown: keep-models` SIGTERM leaves the models to the next start; Ctrl-C never does. A backstop
 * ends the process if even that does not.
 */
import { LIMITS } from '../core/limits.ts';
import { hasProc } from '../core/runtime/local/proc.ts';
import type { TextLog } from '../core/runtime/text-log.ts';
import type { Parts } from './parts.ts';

/** Why the next start could not adopt models that were left running, or null. */
export function whyNotKept({ router }: Parts): string | null {
  if (!hasProc) return 'there is no /proc here, by which models could be recognised again';
  if (router.log.status().kind === 'sqlite') return null;
  return 'events are kept in memory only, and models could not be adopted without them';
}

/** Whether this end of turnout leaves its models running. */
export function keepsModels(parts: Parts, signal: string): boolean {
  const kept = parts.router.config().turnout.shutdown === 'keep-models' && signal !== 'SIGINT';
  return kept && whyNotKept(parts) === null;
}

/** What turnout left running, to be said on stdout; null when nothing. */
export function leftWords({ router }: Parts): string | null {
  const models = [...router.state().models.values()].flatMap(({ id, run }) =>
    run === null ? [] : [`${id} (process ${run.pid})`],
  );
  return models.length === 0 ? null : `left running, for the next start to adopt: ${models.join(', ')}`;
}

export interface Stopping {
  /** Resolves when everything has been stopped. */
  stopped: Promise<void>;
  isStopping(): boolean;
  /** As if this signal had come. */
  stop(signal: string): void;
  /** From now on turnout becomes its successor: a signal is remembered for that one, a second one cuts what is answered. */
  handOver(): void;
  /** The signal that came since, or null. */
  remembered(): string | null;
}

export function stopOnSignals(parts: Parts, textLog: TextLog): Stopping {
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  let handingOver = false;
  let remembered: string | null = null;
  const stop = (signal: string): void => {
    asked++;
    if (asked > 2) process.exit(1);
    if (handingOver) {
      remembered ??= signal;
      if (asked === 2) void parts.api.close(0);
      return;
    }
    if (asked === 2) textLog.warn(`${signal} came again: stopping at once`);
    const limit = asked === 1 ? LIMITS.shutdownBackstopMs : LIMITS.killConfirmMs;
    const backstop = setTimeout(() => {
      textLog.error(
        `still not stopped after ${limit / 1000} s: giving up; what is left is adopted or stopped by the next start`,
      );
      process.exit(1);
    }, limit);
    backstop.unref();
    if (asked > 1) {
      void parts.router.shutdown(signal, { force: true });
      void parts.api.close(0);
      return;
    }
    parts.stop(signal, { keep: keepsModels(parts, signal) }).then(resolve, (error: unknown) => {
      textLog.error(`stop: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
      resolve();
    });
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('uncaughtException', (error) => {
    textLog.error(`unexpected: ${error.stack ?? error.message}`);
    if (handingOver) return;
    process.exitCode = 1;
    stop('an unexpected error');
  });
  return {
    stopped,
    isStopping: () => asked > 0,
    stop,
    handOver() {
      handingOver = true;
    },
    remembered: () => remembered,
  };
}
