/**
 * Remembers the runs that are over, so that a request which was granted to one and comes late is refused instead of
 * reaching the process that now listens on its port.
 * Must never forget a run while a request that was granted to it can still be on its way.
 */
import type { RunId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';

export interface EndedRuns {
  add(run: RunId): void;
  has(run: RunId): boolean;
}

export function createEndedRuns(): EndedRuns {
  const ended = new Set<RunId>();
  return {
    add(run) {
      ended.add(run);
      if (ended.size > LIMITS.endedRunsKept) ended.delete(ended.values().next().value!);
    },
    has: (run) => ended.has(run),
  };
}
