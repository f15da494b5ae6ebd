/**
 * A process that opens the log of the directory named in its first argument, lets all but its newest events go, and goes
 * on appending meanwhile; every line it prints is a position that was reported durable, "done" when the events are gone.
 * It is killed from outside, or by itself before the step of the trim named in its second argument.
 */
import { writeSync } from 'node:fs';
import { openSqliteLog } from '../../../src/core/log/sqlite.ts';
import { busyEvents } from '../busy-events.ts';

const [dir = '', step = '0'] = process.argv.slice(2);
const limits = {
  logBallastBytes: 0,
  logCheckpointIdleMs: 5,
  logCheckpointBytes: 64 * 1024,
  logTrimRowsFirst: 10,
  logTrimRowsMax: 20,
  logTrimCheckpointRows: 50,
  logTrimPages: 2,
  logSnapshotEvents: 40,
  logSnapshotGapMs: 1,
};
const fault = step === '0' ? {} : { fault: { killAtTrimStep: Number(step) } };
const { log, head, upkeep } = await openSqliteLog({ dir, limits, ...fault });
writeSync(1, `opened ${head}\n`);
const events = busyEvents();
for (let position = 0; position < head; position += 1) events.next();

log.onDurable((durable) => {
  writeSync(1, `${durable}\n`);
  appendSome();
});
function appendSome(): void {
  const { value } = events.next();
  if (value !== undefined) log.append([value], true);
}
appendSome();

upkeep.retain({ days: 0, bytesMax: 1 });
await upkeep.compact();
writeSync(1, 'done\n');
