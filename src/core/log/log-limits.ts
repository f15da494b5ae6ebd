/**
 * The bounds of the log, which tests may lower. Those of the whole turnout stand in limits.ts. Must never be read but
 * through `logLimits`.
 */
import { LIMITS } from '../limits.ts';

const KEEPING = {
  logSnapshotEvents: 5_000, // folding so many takes 10 ms; at 20,000 a jump takes 40
  logSnapshotGapMs: 20, // between two snapshots of a log that has none yet, so that questions come through
  logWholeAtStartBytes: 16 * 1024 * 1024, // a larger log is proven from its newest snapshot on, the rest while it runs
  logProofDelayMs: 1_000, // of that rest: what a start has to do comes first
  logRetentionCheckMs: 3_600_000,
  logCausesKeptMs: 86_400_000, // what is open for longer keeps no events from leaving
  logTrimRowsFirst: 200,
  logTrimRowsMax: 5_000,
  logTrimStepMs: 5, // a commit waits for one step at most
  logTrimRest: 1, // after each, in steps: half of the writer's time is for commits
  logTrimPages: 64, // given back in one step
  logTrimCheckpointRows: 4_000, // while events leave, the write-ahead file is folded in this often
  logFreeShareMax: 0.1, // of the file; more than that is given back when events have left
} as const;

type Known = typeof LIMITS & typeof KEEPING;

export type LogLimits = { readonly [K in keyof Known as K extends `log${string}` ? K : never]: number };

/** The limits of the log, some of them replaced. */
export const logLimits = (replaced: Partial<LogLimits> = {}): LogLimits => ({ ...LIMITS, ...KEEPING, ...replaced });
