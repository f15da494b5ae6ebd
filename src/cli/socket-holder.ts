/**
 * A program of its own that holds the listening socket while turnout closes its own and becomes its successor. Gets it
 * and gives it back over the channel to its parent; ends with that channel.
 * Must never accept a connection: they wait in the queue for the successor.
 */
import type { SendHandle } from 'node:child_process';

let held: SendHandle | undefined;

process.on('message', (message: unknown, handle: SendHandle | undefined) => {
  if (message === 'hold') {
    held = handle;
    process.send?.('held');
  } else if (message === 'give') {
    process.send?.('given', held, { keepOpen: true });
  }
});
process.send?.('ready');
