/**
 * Takes events away in steps short enough that a commit hardly waits for one, with a rest between two. Runs in the
 * writer's thread. Must never root the log past what its head says on the disk, or a kill would leave a log that seems to
 * be another one.
 */
import type { Position } from '../ids.ts';
import type { Compaction } from './log.ts';
import type { LogLimits } from './log-limits.ts';
import type { Origin } from './sqlite-root.ts';
import type { Store } from './sqlite-store.ts';

/** Roughly. */
const ROWS_PER_PAGE = 16;

export interface TrimWish {
  origin: Origin | null;
  /** Give back all free room, and fold the write-ahead file in wholly. */
  all: boolean;
}

export interface TrimPorts {
  limits: LogLimits;
  /** Null while the log is in trouble. */
  store(): Store | null;
  /** Resolves with how far the head reached on the disk. */
  headReached(): Promise<Position>;
  checkpoint(store: Store): void;
  /** An error of SQLite; the job ends with what it says. */
  failed(error: unknown): string;
}

export interface TrimJob {
  /** Resolves when it is done or stopped; never rejects. */
  readonly done: Promise<Compaction>;
  stop(why: string): void;
}

export function startTrim({ origin, all }: TrimWish, ports: TrimPorts): TrimJob {
  const { limits } = ports;
  const { promise: done, resolve } = Promise.withResolvers<Compaction>();
  const store = ports.store();
  const before = store?.bytes() ?? 0;
  let events = 0;
  let rows = limits.logTrimRowsFirst;
  let sinceCheckpoint = 0;
  let ended = false;
  let timer: NodeJS.Timeout | null = null;

  function end(stopped: string | null): void {
    if (ended) return;
    ended = true;
    if (timer !== null) clearTimeout(timer);
    const left = ports.store();
    const base = left?.trimmer.base() ?? 0;
    resolve({ base, events, freedBytes: Math.max(0, before - (left?.bytes() ?? before)), stopped });
  }

  /** One step, then a rest. */
  function step(work: (store: Store) => 'again' | 'done', next: () => void): void {
    if (ended) return;
    const ours = ports.store();
    if (ours === null || ours !== store) return end('the log is in trouble');
    const began = performance.now();
    try {
      const result = work(ours);
      const tookMs = performance.now() - began;
      timer = setTimeout(() => (result === 'again' ? step(work, next) : next()), tookMs * limits.logTrimRest);
    } catch (error) {
      end(ports.failed(error));
    }
  }

  const drop = (ours: Store): 'again' | 'done' => {
    const began = performance.now();
    const gone = ours.trimmer.drop(rows);
    events += gone;
    const tookMs = Math.max(0.1, performance.now() - began);
    rows = Math.round(Math.min(limits.logTrimRowsMax, Math.max(10, (rows * limits.logTrimStepMs) / tookMs)));
    checkpointAfter(ours, gone);
    return gone > 0 ? 'again' : 'done';
  };

  /** Often, because a commit waits for it: what a few thousand rows changed is folded in within milliseconds. */
  function checkpointAfter(ours: Store, gone: number): void {
    sinceCheckpoint += gone;
    if (sinceCheckpoint < limits.logTrimCheckpointRows) return;
    sinceCheckpoint = 0;
    ports.checkpoint(ours);
  }

  const giveBack = (ours: Store): 'again' | 'done' => {
    const { usedBytes, freeBytes } = ours.trimmer.room();
    const enough = all ? freeBytes === 0 : freeBytes <= (usedBytes + freeBytes) * limits.logFreeShareMax;
    if (enough) return 'done';
    ours.trimmer.giveBack(limits.logTrimPages);
    checkpointAfter(ours, limits.logTrimPages * ROWS_PER_PAGE);
    return 'again';
  };

  const finish = (ours: Store): 'done' => {
    // The file shrinks when the write-ahead file is folded in.
    if (all) ours.checkpoint('TRUNCATE');
    else ports.checkpoint(ours);
    return 'done';
  };

  async function begin(): Promise<void> {
    if (origin !== null) {
      const reached = await ports.headReached();
      if (reached < origin.base.position) return end('the head of the event log cannot be written');
    }
    step(
      (ours) => {
        if (origin !== null) ours.trimmer.root(origin);
        return 'done';
      },
      () => step(drop, () => step(giveBack, () => step(finish, () => end(null)))),
    );
  }

  if (store === null) end('the log is in trouble');
  else void begin();
  return { done, stop: end };
}
