/**
 * `turnout swaps`: which swaps there were, for whom, and what they cost. Asks the running turnout, or reads its log when
 * none runs.
 */
import { TurnoutError } from '../../core/errors.ts';
import { readTime } from '../../core/history/moment.ts';
import { collectSwaps, type SwapRecord, type SwapSum, sumSwaps } from '../../core/history/swaps.ts';
import { sumRows, swapRows } from '../../core/history/swaps-text.ts';
import { findTurnout, requestJson } from '../client.ts';
import { print, printJson, table } from '../output.ts';
import { openPastLog, type PastOptions } from './past-log.ts';

interface SwapsOptions extends PastOptions {
  since: string;
  by?: 'client' | 'model';
  limit: string;
}

interface Swaps {
  swaps: SwapRecord[];
  sums: SwapSum[];
}

export async function swaps(options: SwapsOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new TurnoutError('usage', `read --limit "${options.limit}": expected a number of swaps, 1 or more`);
  }
  const since = readTime('--since', options.since, { now: Date.now(), utc: options.utc === true });
  const by = options.by ?? 'model';
  const found = options.file === undefined ? await findTurnout(options) : null;
  const answer =
    found?.url == null
      ? await fromFile(options, since, by, limit)
      : await requestJson<Swaps>(found.url, `/api/swaps?since=${Math.round(since)}&by=${by}&limit=${limit}`);
  if (options.json === true) printJson(answer);
  else print(answer.swaps.length === 0 ? 'no swap in that time' : swapsText(answer, options));
}

function swapsText({ swaps: records, sums }: Swaps, options: SwapsOptions): string {
  if (options.by !== undefined) return table(sumRows(sums, options.by));
  return table(swapRows(records, options));
}

async function fromFile(options: SwapsOptions, since: number, by: 'client' | 'model', limit: number): Promise<Swaps> {
  const log = await openPastLog(options);
  try {
    const from = (await log.positionAt(since - 1)) + 1;
    const records = await collectSwaps(log, { from, limit });
    return { swaps: records, sums: sumSwaps(records, by) };
  } finally {
    await log.close();
  }
}
