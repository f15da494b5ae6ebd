/**
 * `turnout log compact`: lets old events go and gives free room back, now. Asks the running turnout, which keeps what its
 * configuration says; without one it works on the file, and keeps what the flags say.
 */
import { SIZE, sizeBytes } from '../../core/config/units.ts';
import { TurnoutError } from '../../core/errors.ts';
import { count, formatBytes } from '../../core/history/format.ts';
import type { Compaction, Retention } from '../../core/log/log.ts';
import { logFiles } from '../../core/log/log-files.ts';
import { openSqliteLog } from '../../core/log/sqlite.ts';
import { proveLog } from '../../core/log/sqlite-copy.ts';
import { findTurnout, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson, warn } from '../output.ts';
import { interruptible, logDirOf } from './log-common.ts';

/** Beside a running turnout events leave in small steps, because commits wait for each. Nothing is committed here. */
const NOBODY_WAITS = {
  logBallastBytes: 0,
  logTrimRowsFirst: 10_000,
  logTrimRowsMax: 50_000,
  logTrimStepMs: 100,
  logTrimRest: 0,
  logTrimPages: 4_000,
  logTrimCheckpointRows: 100_000,
};

interface CompactOptions extends GlobalOptions {
  days?: string;
  maxBytes?: string;
}

export async function logCompact(options: CompactOptions): Promise<void> {
  const retention = retentionOf(options);
  const { url } = await findTurnout(options);
  if (url !== null && (options.days !== undefined || options.maxBytes !== undefined)) {
    const instead = 'set turnout.eventLog.retentionDays and maxBytes in its configuration';
    throw new TurnoutError('usage', `use --days or --max-bytes: the turnout at ${url} runs; ${instead}`);
  }
  const done =
    url === null
      ? await onFile(await logDirOf(options), retention)
      : await requestJson<Compaction>(url, '/api/log/compact', { method: 'POST' });
  if (done === null) return;
  if (options.json === true) printJson(done);
  else print(compactionText(done));
  if (done.stopped !== null) process.exitCode = 1;
}

/** A log that is not whole is left alone: opening it for writing would move it aside. */
function onFile(dir: string, retention: Retention): Promise<Compaction | null> {
  return interruptible(async (signal, progress) => {
    progress.show('checking the event log');
    await proveLog(logFiles(dir), signal);
    const { log, upkeep } = await openSqliteLog({ dir, limits: NOBODY_WAITS, onWarning: warn });
    // What was begun may stop at any moment: it is taken up again by whoever opens the log next.
    const stopped = Promise.withResolvers<null>();
    signal.addEventListener('abort', () => stopped.resolve(null));
    try {
      progress.show('compacting the event log');
      const done = await Promise.race([upkeep.compact(retention), stopped.promise]);
      signal.throwIfAborted();
      return done;
    } finally {
      await log.close();
    }
  });
}

export function compactionText({ base, events, freedBytes, stopped }: Compaction): string {
  const left =
    events === 0 ? 'no event had to leave' : `${count(events, 'event')} left, the log begins with event ${base}`;
  const freed = freedBytes === 0 ? 'no room was free' : `${formatBytes(freedBytes)} were given back`;
  return stopped === null ? `${left}; ${freed}` : `${left}; ${freed}; it stopped early: ${stopped}`;
}

function retentionOf({ days, maxBytes }: CompactOptions): Retention {
  if (days !== undefined && !/^\d{1,5}$/.test(days)) {
    throw new TurnoutError('usage', `read --days "${days}": expected a number of days`);
  }
  if (maxBytes !== undefined && !SIZE.test(maxBytes)) {
    throw new TurnoutError('usage', `read --max-bytes "${maxBytes}": expected a size like 500MiB`);
  }
  return { days: Number(days ?? 0), bytesMax: maxBytes === undefined ? null : sizeBytes(maxBytes) };
}
