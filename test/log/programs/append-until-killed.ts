/**
 * A process that opens the log of the directory named in its argument and appends without end; every line it prints is a
 * position that was reported durable. To be killed from outside.
 */
import { writeSync } from 'node:fs';
import type { TurnoutEvent } from '../../../src/core/events.ts';
import { openSqliteLog } from '../../../src/core/log/sqlite.ts';

const dir = process.argv[2] ?? '';
const limits = {
  logBallastBytes: 0,
  logCheckpointIdleMs: 5,
  logCheckpointBytes: 64 * 1024,
  logWalKeptBytes: 16 * 1024,
};
/** So many events at most are on their way; otherwise every round would leave thousands more. */
const AHEAD = 50;
const { log, head } = await openSqliteLog({ dir, limits });
writeSync(1, `opened ${head}\n`);
log.onDurable((durable) => {
  writeSync(1, `${durable}\n`);
  appendSome();
});

let position = head;
function appendSome(): void {
  while (position < log.durable + AHEAD) {
    const events: TurnoutEvent[] = [];
    for (let count = 0; count < 1 + (position % 7); count += 1) {
      position += 1;
      events.push({ position, at: position, version: 1, type: 'log.gap', data: { count: position } });
    }
    log.append(events, position % 3 === 0);
  }
}
appendSome();
