/**
 * A log read by the command line while no server runs. The whole log is proven before the first answer. Must never
 * write to it, copy it, or take its lock.
 */
import { realpathSync } from 'node:fs';
import { TurnoutError } from '../errors.ts';
import type { TurnoutEvent } from '../events.ts';
import { type Position, type RequestKey, requestKey } from '../ids.ts';
import type { LogQuery } from './log.ts';
import { fullQuery } from './query.ts';
import { createReaderClient } from './sqlite-reader-client.ts';

export interface ReadOnlyLog {
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
  const reader = createReaderClient({ dir: truePath(dir), verify: true });
  try {
    const head = Number(await reader.ask({ kind: 'open' }));
    return {
      head,
      async read(query) {
        const text = await reader.ask({ kind: 'read', query: fullQuery(query, head) });
        return JSON.parse(String(text)) as TurnoutEvent[];
      },
      async findRequest(id) {
        const found = await reader.ask({ kind: 'find', id, to: head });
        return typeof found === 'number' ? requestKey(found) : null;
      },
      async getBlob(hash) {
        const found = await reader.ask({ kind: 'blob', hash });
        return typeof found === 'string' ? found : null;
      },
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
