/**
 * The log of a simulation: everything is durable at once and nothing is kept, because how long commits took is part of how
 * long starts took. What a policy remembers is fed from the events as they come. Must never be read.
 */
import { TurnoutError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';

const unread = async (): Promise<never> => {
  throw new TurnoutError('internal', 'read the log of a simulation: expected nobody to do so');
};

export function createSimLog(): EventLog {
  return {
    durable: Number.POSITIVE_INFINITY,
    status: () => ({ kind: 'memory', state: 'ok', code: null, message: null, pending: 0, lost: 0, file: null }),
    append() {},
    onDurable: () => () => {},
    onStatus: () => () => {},
    read: unread,
    findRequest: unread,
    putBlob() {},
    getBlob: unread,
    async flush() {},
    async close() {},
  };
}
