/**
 * The seam behind which models run (design section 6). `local` is the first implementation. Orders resolve when they are
 * accepted; everything that happens afterwards is an observation. Capacity is free again on `exited` or `lost`, never on
 * `stopping`. Readiness is not the runtime's affair: turnout's own health check decides it.
 */
import type { EventData } from '../events.ts';
import type { ModelId, RunId } from '../ids.ts';

export interface LaunchSpec {
  run: RunId;
  model: ModelId;
  /** Command lines with every macro but `${PID}` replaced; split by runtime/local/command.ts, never by a shell. */
  cmd: string;
  /** Empty = TERM to the process group. `${PID}` is replaced when it is run. */
  cmdStop: string;
  /** `K=V` lines, appended to turnout's own environment. */
  env: string[];
  port: number | null;
  /** Where the server will answer, `${PORT}` replaced. */
  proxy: string;
  /** File that receives the child's output, relative to the state directory. */
  logFile: string;
  specDigest: string;
}

/** A run found in the log whose process may still live, after turnout died. */
export interface RecordedRun {
  run: RunId;
  model: ModelId;
  pid: number | null;
  startTime: string | null;
  bootId: string | null;
  logFile: string;
  /** From the configuration of today; empty if the model is gone from it. */
  cmdStop: string;
  env: string[];
  proxy: string | null;
}

/** A recorded run whose first process is alive, by its identity. */
export interface Survivor {
  run: RunId;
  pid: number;
  startTime: string;
  bootId: string;
  /** Why it must not serve although it lives (its port is somebody else's), or null. */
  fault: string | null;
}

export type Observation =
  | { type: 'accepted'; run: RunId }
  | { type: 'waiting'; run: RunId; reason: string }
  | { type: 'started'; run: RunId; baseUrl: string; pid: number; startTime: string; bootId: string }
  | { type: 'stopping'; run: RunId }
  | { type: 'flooded'; run: RunId; bytesPerSec: number }
  /** Nothing of the run's family is left, its `cmdStop` returned and its port refuses. Exactly once per run. */
  | {
      type: 'exited';
      run: RunId;
      code: number | null;
      signal: string | null;
      by: EventData['process.exited']['by'];
      detail: string | null;
      tail: string[];
    }
  | { type: 'lost'; run: RunId; reason: string };

export interface ProcessRuntime {
  readonly name: string;
  /** What the runtime can hold; empty where it cannot say. */
  capacity(): Record<string, number>;
  /** Idempotent on `spec.run`. A spawn that fails is an `exited` observation with `by: 'spawn'`, never a rejection. */
  launch(spec: LaunchSpec): Promise<void>;
  /** Asks the run to end: its `cmdStop`, else TERM to the group. Unknown or ended runs are ignored. */
  stop(run: RunId): Promise<void>;
  /** KILL to the whole family. */
  kill(run: RunId): Promise<void>;
  /**
   * Takes over runs recorded by an earlier turnout, so that `stop` and `kill` reach them and their ends are observed.
   * Returns those that live. Stops what is left of runs that nobody recorded.
   */
  reconcile(runs: RecordedRun[]): Promise<Survivor[]>;
  observe(listener: (observation: Observation) => void): () => void;
  /** Releases timers and watchers; touches no process. */
  close(): Promise<void>;
}
