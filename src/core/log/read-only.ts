/**
 * A log read by the command line while no server runs. The whole log is proven before the first answer. Must never
 * write to it, copy it, or take its lock.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { TurnoutError } from '../errors.ts';
import type { TurnoutEvent } from '../events.ts';
import { type Position, type RequestKey, requestKey } from '../ids.ts';
import { decodeState } from '../state-codec.ts';
import type { LogQuery, TimeTravel } from './log.ts';
import { filesAt, type LogFiles, logFiles } from './log-files.ts';
import { checkPosition } from './log-misuse.ts';
import { fullQuery } from './query.ts';
import { createReaderClient } from './sqlite-reader-client.ts';

export interface ReadOnlyLog extends TimeTravel {
  /** Last position in the log; 0 when it is empty. */
  readonly head: Position;
  read(query: LogQuery): Promise<TurnoutEvent[]>;
  findRequest(id: string): Promise<RequestKey | null>;
  getBlob(hash: string): Promise<string | null>;
  close(): Promise<void>;
}

/**
 * Opens the log of a state directory for reading. Rejects with TurnoutError: 'not-found' (there is none), 'log-damaged'
 * (it is not whole, or a newer turnout wrote it), 'state-dir' or 'log-unavailable' (it cannot be read now).
 */
export async function openLogForReading(dir: string): Promise<ReadOnlyLog> {
  return openForReading(logFiles(truePath(dir)));
}

/** The same for a log that lies somewhere: a backup, or one that was moved aside. */
export async function openLogFile(file: string): Promise<ReadOnlyLog> {
  return openForReading(filesAt(resolve(file)));
}

/** The same for a file that this process just made: it ends at `head` and is not proven again. */
export async function openMadeLog(file: string, head: Position): Promise<ReadOnlyLog> {
  return openForReading(filesAt(resolve(file)), head);
}

async function openForReading(files: LogFiles, made?: Position): Promise<ReadOnlyLog> {
  const reader = createReaderClient({ files, verify: made === undefined });
  try {
    const head = made ?? (await reader.ask({ kind: 'open' })).position;
    return {
      head,
      async read(query) {
        return JSON.parse(await reader.ask({ kind: 'read', query: fullQuery(query, head) })) as TurnoutEvent[];
      },
      async findRequest(id) {
        const found = await reader.ask({ kind: 'find', id, to: head });
        return found === null ? null : requestKey(found);
      },
      getBlob: (hash) => reader.ask({ kind: 'blob', hash }),
      async stateAt(position) {
        checkPosition(position, head);
        return decodeState(await reader.ask({ kind: 'state', position }));
      },
      positionAt: (time) => reader.ask({ kind: 'when', time, to: head }),
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function truePath(dir: string): string {
  try {
    return realpathSync(dir);
  } catch (cause) {
    const message = `read the event log in "${dir}": expected a state directory, got "${(cause as Error).message}"`;
    throw new TurnoutError('not-found', message, { cause });
  }
}
