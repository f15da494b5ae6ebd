/**
 * What was handed over and is not durable yet: at most one batch on its way, the rest behind it. Bounded: while the log
 * is in trouble it keeps the oldest of what waits, counts what it drops, and goes on dropping until all that it kept is
 * durable, so that a log has one hole per trouble and not many. Must never reorder.
 */
import type { Position } from '../ids.ts';
import { LINE_END, positionOf } from './codec.ts';
import type { StoreBatch } from './sqlite-store.ts';

/** What a line costs in memory beside its text. */
const LINE_OVERHEAD_BYTES = 64;

export interface Outbox {
  /** Events that are not durable. */
  readonly pending: number;
  /** Those of them that are not on their way. */
  readonly unsent: number;
  /** Events dropped since the last trouble began. */
  readonly lost: number;
  /** True from the first dropped event until all that is kept is durable. */
  readonly full: boolean;
  /** Number of hand-overs so far, and how many of them are durable (or dropped). */
  readonly handed: number;
  readonly settled: number;
  add(line: string): void;
  addBlob(hash: string, bytes: string): void;
  blob(hash: string): string | null;
  /** An event that no log could store. */
  drop(): void;
  /** Everything that waits, as the batch that is now on its way; null when there is nothing or one is on its way. */
  take(): StoreBatch | null;
  /** The batch on its way, and whatever else lies at or below `durable`, is stored. */
  done(durable: Position): void;
  /** The batch on its way comes back, in front of the rest. */
  returned(): void;
  /** A trouble begins, unless one is on: nothing is lost of it yet. */
  troubleBegins(): void;
  troubleEnds(): void;
}

export function createOutbox(eventsMax: number, bytesMax: number): Outbox {
  let flying: string[] | null = null;
  let waiting: string[] = [];
  let flyingBlobs = new Map<string, string>();
  let blobs = new Map<string, string>();
  let bytes = 0;
  let lost = 0;
  let full = false;
  let calm = true;
  let handed = 0;
  let settled = 0;
  let flyingHanded = 0;

  const weight = (lines: string[]) => lines.reduce((sum, line) => sum + line.length + LINE_OVERHEAD_BYTES, 0);
  const troubleBegins = () => {
    if (calm) lost = 0;
    calm = false;
  };
  const pending = () => (flying?.length ?? 0) + waiting.length;

  return {
    get pending() {
      return pending();
    },
    get unsent() {
      return waiting.length;
    },
    get lost() {
      return lost;
    },
    get full() {
      return full;
    },
    get handed() {
      return handed;
    },
    get settled() {
      return settled;
    },
    add(line) {
      handed += 1;
      if (!full && (pending() >= eventsMax || bytes + line.length > bytesMax)) {
        troubleBegins();
        full = true;
      }
      if (full) {
        lost += 1;
        return;
      }
      waiting.push(line);
      bytes += line.length + LINE_OVERHEAD_BYTES;
    },
    addBlob(hash, text) {
      handed += 1;
      blobs.set(hash, text);
    },
    blob: (hash) => blobs.get(hash) ?? flyingBlobs.get(hash) ?? null,
    drop() {
      lost += 1;
    },
    take() {
      if (flying !== null || (waiting.length === 0 && blobs.size === 0)) return null;
      [flying, waiting] = [waiting, []];
      [flyingBlobs, blobs] = [blobs, new Map()];
      flyingHanded = handed;
      return { text: flying.join(LINE_END), blobs: [...flyingBlobs] };
    },
    done(durable) {
      if (flying !== null) {
        bytes -= weight(flying);
        flying = null;
        flyingBlobs = new Map();
        settled = flyingHanded;
      }
      const stored = waiting.findIndex((line) => positionOf(line) > durable);
      const gone = waiting.splice(0, stored === -1 ? waiting.length : stored);
      bytes -= weight(gone);
      if (waiting.length > 0) return;
      full = false;
      if (blobs.size === 0) settled = handed;
    },
    returned() {
      if (flying === null) return;
      waiting = flying.concat(waiting);
      blobs = new Map([...flyingBlobs, ...blobs]);
      flying = null;
      flyingBlobs = new Map();
    },
    troubleBegins,
    troubleEnds() {
      calm = true;
    },
  };
}
