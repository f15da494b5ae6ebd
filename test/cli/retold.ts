/** A log told anew with other events, whole in itself: what only asking the planner again can find out. */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { eventsOf } from '../../src/core/history/pages.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import { openSqliteLog } from '../../src/core/log/sqlite.ts';

export async function retold(from: string, to: string, change: (event: TurnoutEvent) => TurnoutEvent): Promise<void> {
  const original = await openLogForReading(from);
  const { log } = await openSqliteLog({ dir: to, limits: { logBallastBytes: 0 } });
  for await (const event of eventsOf(original, {})) {
    log.append([change(event)], false);
    for (const hash of hashesIn(event)) {
      const blob = await original.getBlob(hash);
      if (blob !== null) log.putBlob(hash, blob);
    }
  }
  await log.close();
  await original.close();
}

function hashesIn(event: TurnoutEvent): string[] {
  if (event.type === 'config.applied') return [event.data.hash];
  return event.type === 'policy.loaded' ? [event.data.sourceHash] : [];
}
