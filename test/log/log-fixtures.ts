/**
 * Events, directories and waiting for the tests of the log. Must never contact anything outside its temp directories.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TurnoutEvent } from '../../src/core/events.ts';
import { modelId, type Position, requestId, requestKey, runId } from '../../src/core/ids.ts';
import type { EventLog, LogStatus, OpenedLog } from '../../src/core/log/log.ts';
import { openSqliteLog, type SqliteLogOptions } from '../../src/core/log/sqlite.ts';

export const MODEL = modelId('org/model:7b');
const START = Date.UTC(2026, 0, 1);

/** A directory that is removed after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-log-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens a log without a ballast file and with quick retries; it is closed after the test. */
export async function openTestLog(
  dir: string,
  options: Omit<SqliteLogOptions, 'dir'> = {},
): Promise<OpenedLog & { notes: string[] }> {
  const notes: string[] = [];
  const limits = { logBallastBytes: 0, logRetryMs: 20, ...options.limits };
  const opened = await openSqliteLog({ dir, onWarning: (text) => void notes.push(text), ...options, limits });
  onTestFinished(() => opened.log.close());
  return { ...opened, notes };
}

/** An event at a position: of every three the arrival, the grant and the end of one request. */
export function eventAt(position: Position): TurnoutEvent {
  const key = requestKey(position - ((position - 1) % 3));
  const common = { position, at: START + position * 0.5, version: 1, model: MODEL };
  if (position === key) return arrival(position, publicId(key));
  if (position === key + 1) {
    return { ...common, type: 'request.granted', request: key, cause: key, data: { run: runId(1), waitedMs: 0 } };
  }
  const usage = { inputTokens: 12, outputTokens: 34, tokensPerSecond: 45.6 };
  const data = { outcome: 'ok', status: 200, bytes: 99, firstByteMs: 12, totalMs: 512, usage, error: null } as const;
  return { ...common, type: 'request.finished', request: key, data };
}

/** Arrivals are written without `request`: their position is the key. */
export function arrival(position: Position, id: string): TurnoutEvent {
  return {
    position,
    at: START + position * 0.5,
    version: 1,
    type: 'request.arrived',
    model: MODEL,
    data: {
      id: requestId(id),
      kind: 'inference',
      asked: 'größe "7b"\t\n\u2028',
      client: 'key:abc',
      session: null,
      method: 'POST',
      endpoint: '/v1/chat/completions',
      bytes: 1234,
      streaming: true,
      priority: 0,
    },
  };
}

export const publicId = (key: Position): string => `req-${key}-of-test`;

export const eventsFrom = (from: Position, to: Position): TurnoutEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => eventAt(from + index));

export const positionsOf = (events: readonly TurnoutEvent[]): Position[] => events.map(({ position }) => position);

/** Everything in a log. */
export const readAll = (log: Pick<EventLog, 'read'>): Promise<TurnoutEvent[]> => log.read({ limit: 1_000_000 });

/** Resolves with the first status that fits, the present one included. */
export function whenStatus(log: EventLog, fits: (status: LogStatus) => boolean): Promise<LogStatus> {
  const now = log.status();
  if (fits(now)) return Promise.resolve(now);
  return new Promise((resolve) => {
    const stop = log.onStatus((status) => {
      if (!fits(status)) return;
      stop();
      resolve(status);
    });
  });
}

/** Resolves when the log is durable up to a position. */
export function whenDurable(log: EventLog, position: Position): Promise<void> {
  if (log.durable >= position) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = log.onDurable((durable) => {
      if (durable < position) return;
      stop();
      resolve();
    });
  });
}

/** A generator of numbers in [0, 1) that a printed seed brings back. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
