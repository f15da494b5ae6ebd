/**
 * What is passed through to each run at this moment, and when bytes last moved. A WebSocket or a download that nobody
 * uses must not keep a model busy (kernel section 4).
 * Must never keep anything of a pass that has ended.
 */
import type { RunId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';

export interface Activity {
  /** Passes that have not ended. */
  open: number;
  /** Since a byte moved on any of them; null when none is open. */
  idleMs: number | null;
  /** Bytes moved within `LIMITS.busyBytesWithinMs`. */
  busy: boolean;
}

export interface Track {
  /** A byte moved, in either direction. */
  moved(): void;
  end(): void;
}

export interface Tracks {
  /** `cut` ends the pass when its run ends. */
  open(run: RunId, cut: (reason: string) => void): Track;
  activity(run: RunId): Activity;
  cutAll(run: RunId, reason: string): void;
  runs(): RunId[];
}

interface Entry {
  movedAt: number;
  cut: (reason: string) => void;
}

/** `now` is a monotonic clock in milliseconds. */
export function createTracks(now: () => number): Tracks {
  const byRun = new Map<RunId, Set<Entry>>();
  return {
    open(run, cut) {
      const entries = byRun.get(run) ?? new Set<Entry>();
      const entry = { movedAt: now(), cut };
      byRun.set(run, entries.add(entry));
      return {
        moved() {
          entry.movedAt = now();
        },
        end() {
          entries.delete(entry);
          if (entries.size === 0 && byRun.get(run) === entries) byRun.delete(run);
        },
      };
    },
    activity(run) {
      const entries = byRun.get(run);
      if (entries === undefined) return { open: 0, idleMs: null, busy: false };
      let movedAt = Number.NEGATIVE_INFINITY;
      for (const entry of entries) movedAt = Math.max(movedAt, entry.movedAt);
      const idleMs = now() - movedAt;
      return { open: entries.size, idleMs, busy: idleMs < LIMITS.busyBytesWithinMs };
    },
    cutAll(run, reason) {
      for (const entry of [...(byRun.get(run) ?? [])]) entry.cut(reason);
    },
    runs: () => [...byRun.keys()],
  };
}
