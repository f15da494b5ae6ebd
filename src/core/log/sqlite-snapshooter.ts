/**
 * Has a snapshot made every few thousand events: the reader folds on from the last one and encodes, the writer keeps it.
 * The live state is not asked for, because encoding a large one takes milliseconds of the loop's thread. Must never have
 * two under way.
 */
import type { Position } from '../ids.ts';
import type { LogLimits } from './log-limits.ts';
import type { ToWriter } from './sqlite-messages.ts';
import type { ReaderClient } from './sqlite-reader-client.ts';

export interface SnapshooterOptions {
  limits: LogLimits;
  reader: ReaderClient;
  tell(message: ToWriter): boolean;
  durable(): Position;
  /** What the log takes, told with each snapshot. */
  onBytes(bytes: number): void;
  onError(error: unknown): void;
}

export interface Snapshooter {
  /** A snapshot, or the base of the log, stands here. */
  begunAt(position: Position): void;
  grown(): void;
  newFile(): void;
  /** The writer has done what it could; 0 bytes: it is gone. */
  kept(bytes: number): void;
  close(): void;
}

export function createSnapshooter({
  limits,
  reader,
  tell,
  durable,
  onBytes,
  onError,
}: SnapshooterOptions): Snapshooter {
  const every = limits.logSnapshotEvents;
  let newest: Position = 0;
  let busy = false;
  let closed = false;
  let keeping: PromiseWithResolvers<number> | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function makeOne(): Promise<void> {
    const snapshot = await reader.ask({ kind: 'snapshot', after: newest, atOrAfter: newest + every });
    if (snapshot === null) return;
    newest = Math.max(newest, snapshot.link.position);
    keeping = Promise.withResolvers();
    if (!tell({ type: 'snapshot', snapshot })) return;
    const bytes = await keeping.promise;
    if (bytes > 0) onBytes(bytes);
  }

  function grown(): void {
    if (busy || closed || durable() - newest < every) return;
    busy = true;
    makeOne()
      .catch(onError)
      .finally(() => {
        // A log without any gets all of them, one after the other; questions come through in between.
        timer = setTimeout(() => {
          busy = false;
          grown();
        }, limits.logSnapshotGapMs);
        timer.unref();
      });
  }

  return {
    begunAt(position) {
      newest = Math.max(newest, position);
    },
    grown,
    newFile() {
      newest = durable();
    },
    kept(bytes) {
      keeping?.resolve(bytes);
      keeping = null;
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      keeping?.resolve(0);
    },
  };
}
