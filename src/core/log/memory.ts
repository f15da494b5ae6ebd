/**
 * The log without a file: for tests, simulations, and a state directory that cannot be written. It forgets its oldest
 * events past a bound, because here nothing else frees memory. Must never call a listener from inside `append`.
 */
import { TurnoutError } from '../errors.ts';
import type { TurnoutEvent } from '../events.ts';
import type { RequestKey } from '../ids.ts';
import { requestKey } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { encodeEvent, lineToRow, positionOf, rowToJson } from './codec.ts';
import { createListeners } from './listeners.ts';
import type { EventLog, LogStatus, LogUpkeep, OpenedLog, TimeTravel } from './log.ts';
import { checkPosition, mustBeOpen, outOfOrder } from './log-misuse.ts';
import { createMemoryLines, type MemoryLines } from './memory-lines.ts';
import { createMemoryPast } from './memory-past.ts';
import { fullQuery, matches } from './query.ts';

export interface MemoryLogOptions {
  /** The newest so many are kept. Default: `LIMITS.logMemoryEventsMax`. */
  eventsMax?: number;
  /** One line for the operator, when an event could not be kept. Default: a process warning. */
  onWarning?: (text: string) => void;
}

/** An empty log in memory. Whatever is appended counts as durable at once; listeners hear of it a microtask later. */
export function openMemoryLog(options: MemoryLogOptions = {}): OpenedLog {
  const eventsMax = options.eventsMax ?? LIMITS.logMemoryEventsMax;
  const warn = options.onWarning ?? ((text: string) => process.emitWarning(text));
  const blobs = new Map<string, string>();
  const durable = createListeners<number>();
  const changed = createListeners<LogStatus>();
  const past = createMemoryPast();
  const lines = createMemoryLines(eventsMax, past.left);
  let last = 0;
  let lost = 0;
  let closed = false;

  const status = (): LogStatus => ({
    kind: 'memory',
    state: 'ok',
    code: null,
    message: null,
    pending: 0,
    lost,
    file: null,
  });

  function keep(event: TurnoutEvent): void {
    try {
      if (closed) throw new TurnoutError('internal', `append event ${event.position}: the log is closed`);
      const line = encodeEvent(event);
      if (event.position <= last) throw outOfOrder(event.position, last);
      lines.add(line);
      last = event.position;
    } catch (error) {
      lost += 1;
      warn(error instanceof Error ? error.message : String(error));
      changed.tellSoon(status);
    }
  }

  const log: EventLog & TimeTravel = {
    get durable() {
      return last;
    },
    status,
    append(events) {
      const before = last;
      for (const event of events) keep(event);
      if (last > before) durable.tellSoon(() => last);
    },
    onDurable: (listener) => durable.add(listener),
    onStatus: (listener) => changed.add(listener),
    async read(query) {
      mustBeOpen(closed);
      const full = fullQuery(query, last);
      const found: string[] = [];
      for (const line of lines.all(full.reverse)) {
        if (found.length >= full.limit) break;
        const row = lineToRow(line);
        if (matches(full, row)) found.push(rowToJson(row));
      }
      return JSON.parse(`[${found.join(',')}]`) as TurnoutEvent[];
    },
    async findRequest(id) {
      mustBeOpen(closed);
      return findArrival(lines, id);
    },
    async stateAt(position) {
      mustBeOpen(closed);
      checkPosition(position, last);
      return past.stateAt(position, lines);
    },
    async positionAt(time) {
      mustBeOpen(closed);
      return past.positionAt(time, lines);
    },
    putBlob(hash, bytes) {
      if (!closed) blobs.set(hash, bytes.toWellFormed());
    },
    async getBlob(hash) {
      mustBeOpen(closed);
      return blobs.get(hash) ?? null;
    },
    async flush() {},
    async close() {
      closed = true;
    },
  };
  return { log, upkeep: NOTHING_TO_KEEP, head: 0, replaced: null, warnings: [] };
}

/** A log in memory has its own bound, and nothing that could be given back. */
const NOTHING_TO_KEEP: LogUpkeep = {
  retain() {},
  compact: async () => ({ base: 0, events: 0, freedBytes: 0, stopped: null }),
  async proven() {},
};

function findArrival(lines: MemoryLines, id: string): RequestKey | null {
  const wanted = JSON.stringify(id);
  for (const line of lines.all(true)) {
    if (!line.includes(wanted) || lineToRow(line)[2] !== 'request.arrived') continue;
    const data = JSON.parse(lineToRow(line)[7]) as { id?: unknown };
    if (data.id === id) return requestKey(positionOf(line));
  }
  return null;
}
