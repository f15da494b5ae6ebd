/**
 * When the write-ahead file is folded into the database: when nothing is written, and when it has grown. Runs in the
 * writer's thread. Must never let a checkpoint that fails be a trouble of the log: commits go on into the write-ahead file.
 */
import type { LogLimits } from './log-limits.ts';
import type { Store } from './sqlite-store.ts';

/** A write-ahead file of so many times the size at which it is folded in means that a reader does not let go. */
const WAL_ALARM = 4;

export interface CheckpointPorts {
  limits: LogLimits;
  store(): Store | null;
  /** Says it once, until `passed`. */
  warnOnce(about: string, text: string): void;
  passed(about: string): void;
  onError(error: unknown): void;
}

export interface Checkpoints {
  /** After a commit. */
  plan(ours: Store): void;
  now(ours: Store): void;
  stop(): void;
}

export function createCheckpoints({ limits, store, warnOnce, passed, onError }: CheckpointPorts): Checkpoints {
  let idle: NodeJS.Timeout | null = null;
  let committedAt = 0;
  let atBytes = limits.logCheckpointBytes;

  function now(ours: Store): void {
    try {
      const complete = ours.checkpoint('PASSIVE');
      const size = ours.walBytes();
      atBytes = limits.logCheckpointBytes + (complete ? 0 : size);
      if (complete) passed('wal');
      else if (size >= limits.logCheckpointBytes * WAL_ALARM) {
        warnOnce('wal', `the write-ahead file of the event log has ${size} bytes: a reader does not let go of it`);
      }
      passed('checkpoint');
    } catch (error) {
      atBytes = ours.walBytes() + limits.logCheckpointBytes;
      onError(error);
    }
  }

  function whenIdle(): void {
    const left = limits.logCheckpointIdleMs - (performance.now() - committedAt);
    idle = left > 0 ? setTimeout(whenIdle, left) : null;
    const ours = store();
    if (idle === null && ours !== null) now(ours);
  }

  return {
    plan(ours) {
      committedAt = performance.now();
      if (ours.walBytes() >= atBytes) now(ours);
      idle ??= setTimeout(whenIdle, limits.logCheckpointIdleMs);
    },
    now,
    stop() {
      if (idle !== null) clearTimeout(idle);
    },
  };
}
