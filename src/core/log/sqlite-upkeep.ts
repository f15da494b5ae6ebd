/**
 * What a log needs beside being written: snapshots, so that no fold is long; events that leave when they are old; and for
 * a large log, the proof of the part that its start did not read. Runs on the loop's thread, asks the reader, orders the
 * writer. Must never do the work itself, and never be in the way of a commit.
 */
import type { Position } from '../ids.ts';
import type { Compaction, LogUpkeep, Retention } from './log.ts';
import type { LogLimits } from './log-limits.ts';
import type { UpkeepAnswer } from './sqlite-feed.ts';
import type { Extent, ToWriter } from './sqlite-messages.ts';
import { startProof } from './sqlite-proof.ts';
import type { ReaderClient } from './sqlite-reader-client.ts';
import { createSnapshooter } from './sqlite-snapshooter.ts';

const DAY_MS = 86_400_000;

export interface UpkeepOptions {
  dir: string;
  limits: LogLimits;
  reader: ReaderClient;
  /** False when there is no writer to hear it now. */
  tell(message: ToWriter): boolean;
  durable(): Position;
  onWarning(text: string): void;
  /** Wall clock, ms. */
  now(): number;
}

export interface Upkeep extends LogUpkeep {
  /** The writer has opened the log. */
  opened(extent: Extent): void;
  /** More is durable. */
  grown(): void;
  /** A new log begins at the last durable position. */
  newFile(): void;
  answered(message: UpkeepAnswer): void;
  /** The writer is gone, and with it what it was ordered to do. */
  writerGone(): void;
  close(): Promise<void>;
}

export function createUpkeep(options: UpkeepOptions): Upkeep {
  const { limits, reader, tell } = options;
  let retention: Retention = { days: 0, bytesMax: null };
  let closed = false;
  let proof: { done: Promise<void>; stop(): Promise<void> } = { done: Promise.resolve(), stop: async () => {} };
  /** Events that have left still take room: a kill or a trouble came in between. */
  let unfinished = false;
  let trimming: PromiseWithResolvers<Compaction> | null = null;
  /** Trims follow each other. */
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  const warned = new Set<string>();

  function failed(what: string, error: unknown): void {
    if (closed || warned.has(what)) return;
    warned.add(what);
    options.onWarning(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }

  const snapshooter = createSnapshooter({
    limits,
    reader,
    tell,
    durable: options.durable,
    onBytes(bytes) {
      if (retention.bytesMax !== null && bytes > retention.bytesMax) check();
    },
    onError: (error) => failed('make a snapshot of the event log', error),
  });

  const nothing = (stopped: string | null): Compaction => ({ base: 0, events: 0, freedBytes: 0, stopped });

  async function trim(all: boolean): Promise<Compaction> {
    // What is not proven yet must not leave: it would take its damage with it.
    await proof.done;
    if (closed) return nothing('the log is being closed');
    const { days, bytesMax } = retention;
    const now = options.now();
    const olderThan = days === 0 ? null : now - days * DAY_MS;
    const wish = { olderThan, bytesMax, causesSince: now - limits.logCausesKeptMs };
    const origin = await reader.ask({ kind: 'cut', wish, to: options.durable() });
    if (origin === null && !all && !unfinished) return nothing(null);
    trimming = Promise.withResolvers();
    if (!tell({ type: 'trim', wish: { origin, all } })) return nothing('the log is in trouble');
    const result = await trimming.promise;
    unfinished = result.stopped !== null;
    snapshooter.begunAt(result.base);
    return result;
  }

  function ordered(all: boolean): Promise<Compaction> {
    const result = turn.then(() => trim(all));
    turn = result.catch(() => {});
    return result;
  }

  /** Looks now whether something has to leave, and again later. */
  function check(): void {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(check, limits.logRetentionCheckMs);
    timer.unref();
    const any = retention.days > 0 || retention.bytesMax !== null || unfinished;
    if (!any) return;
    ordered(false).then(
      // Events are not of one size: what is over the bound now is found by looking once more.
      ({ events, stopped }) => events > 0 && stopped === null && check(),
      (error: unknown) => failed('take old events out of the event log', error),
    );
  }

  function trimEnded(result: Compaction): void {
    trimming?.resolve(result);
    trimming = null;
  }

  return {
    opened({ whole, snapshot, unfinished: left }) {
      snapshooter.begunAt(snapshot);
      unfinished = left;
      if (left) check();
      if (!whole) proof = startProof(options.dir, limits, condemn, (error) => failed('prove the event log', error));
      snapshooter.grown();
    },
    grown: snapshooter.grown,
    newFile() {
      void proof.stop();
      snapshooter.newFile();
    },
    answered(message) {
      if (message.type === 'trimmed') trimEnded(message.result);
      else snapshooter.kept(message.bytes);
    },
    writerGone() {
      snapshooter.kept(0);
      trimEnded(nothing('the writer of the event log ended'));
    },
    retain(wanted) {
      retention = wanted;
      check();
    },
    compact(wanted = retention) {
      retention = wanted;
      return ordered(true);
    },
    proven: () => proof.done,
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      snapshooter.close();
      trimEnded(nothing('the log is being closed'));
      await proof.stop();
    },
  };

  function condemn(reason: string, detail: string): void {
    if (!closed) tell({ type: 'condemn', reason, detail });
  }
}
