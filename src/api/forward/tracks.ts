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
  /** The answer began: from here on silence counts. Before it the model is at work, however long that takes. */
  answered(): void;
  end(): void;
}

export interface Tracks {
  /** `cut` ends the pass when its run ends; `onQuiet` hears when no byte moved for a minute, and when one does again. */
  open(run: RunId, cut: (reason: string) => void, onQuiet: OnQuiet): Track;
  activity(run: RunId): Activity;
  cutAll(run: RunId, reason: string): void;
  runs(): RunId[];
}

export type OnQuiet = (quiet: boolean, forMs: number) => void;

interface Entry {
  movedAt: number;
  answered: boolean;
  quiet: boolean;
  cut: (reason: string) => void;
  onQuiet: OnQuiet;
}

/** `now` is a monotonic clock in milliseconds. */
export function createTracks(now: () => number): Tracks {
  const byRun = new Map<RunId, Set<Entry>>();
  let checking: NodeJS.Timeout | null = null;

  /** One coarse timer for all, and none when nothing is open. */
  function check(): void {
    for (const entries of byRun.values()) {
      for (const entry of entries) {
        const forMs = Math.round(now() - entry.movedAt);
        if (entry.quiet || !entry.answered || forMs < LIMITS.busyBytesWithinMs) continue;
        entry.quiet = true;
        entry.onQuiet(true, forMs);
      }
    }
  }

  return {
    open(run, cut, onQuiet) {
      const entries = byRun.get(run) ?? new Set<Entry>();
      const entry: Entry = { movedAt: now(), answered: false, quiet: false, cut, onQuiet };
      byRun.set(run, entries.add(entry));
      checking ??= setInterval(check, LIMITS.quietCheckMs).unref();
      return {
        moved() {
          entry.movedAt = now();
          if (!entry.quiet) return;
          entry.quiet = false;
          entry.onQuiet(false, 0);
        },
        answered() {
          entry.answered = true;
        },
        end() {
          entries.delete(entry);
          if (entries.size === 0 && byRun.get(run) === entries) byRun.delete(run);
          if (byRun.size > 0 || checking === null) return;
          clearInterval(checking);
          checking = null;
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
