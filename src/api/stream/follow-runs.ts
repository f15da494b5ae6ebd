/**
 * The output of runs as it comes, over starts and stops: of one model, or of all. Each run has its own file; whichever
 * runs begin while someone follows are followed too.
 * Must never hold a file open once nobody follows.
 */
import type { TurnoutEvent } from '../../core/events.ts';
import type { ModelId, RunId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { App } from '../context.ts';

export interface FollowRuns {
  /** null = all models. */
  model: ModelId | null;
  /** Begin with what the runs of this moment have written. */
  history: boolean;
  signal: AbortSignal;
  /** Nothing more is read from that run until a returned promise resolves. */
  onChunk(chunk: Buffer): void | Promise<void>;
}

/** The last lines of a run are still read this long after its exit. */
const LINGER_MS = 1_000;

/** Resolves when `signal` aborts. */
export async function followRuns(app: App, options: FollowRuns): Promise<void> {
  const { signal, model } = options;
  const following = new Map<RunId, AbortController>();

  const follow = (run: RunId, file: string, history: number): void => {
    if (following.has(run) || signal.aborted) return;
    const own = new AbortController();
    following.set(run, own);
    const until = AbortSignal.any([signal, own.signal]);
    const read = app.output.followOutput(app.stateDir, file, { signal: until, history, onChunk: options.onChunk });
    read.catch((error: unknown) => {
      if (!until.aborted) app.textLog.warn(`follow model output "${file}": ${error}`);
    });
  };
  const onEvents = (events: readonly TurnoutEvent[]): void => {
    for (const event of events) {
      if (model !== null && event.model !== model) continue;
      if (event.type === 'process.starting') {
        follow(event.position as RunId, event.data.logFile, LIMITS.textRingBytes);
      } else if (event.type === 'process.exited') {
        const own = following.get(event.data.run);
        setTimeout(() => own?.abort(), LINGER_MS).unref();
      }
    }
  };

  const unsubscribe = app.router.subscribe(onEvents);
  try {
    for (const { run, file } of await currentRuns(app, model)) {
      follow(run, file, options.history ? LIMITS.textRingBytes : 0);
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    unsubscribe();
  }
}

/** Live runs, oldest first; for one model its last run, even if that has ended. */
export async function currentRuns(app: App, model: ModelId | null): Promise<{ run: RunId; file: string }[]> {
  const live = [...app.router.state().models.values()]
    .filter((one) => model === null || one.id === model)
    .flatMap((one) => (one.run === null ? [] : [{ run: one.run.run, file: one.run.logFile }]))
    .sort((a, b) => a.run - b.run);
  if (live.length > 0 || model === null) return live;
  const [last] = await app.router.log.read({ model, types: ['process.starting'], reverse: true, limit: 1 });
  return last?.type === 'process.starting' ? [{ run: last.position as RunId, file: last.data.logFile }] : [];
}
