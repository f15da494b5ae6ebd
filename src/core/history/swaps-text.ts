/** Swaps in rows of words, for a table: one row for each, or one for each client or model. Pure. */
import { formatDuration, formatMoment, list, type TimeStyle } from './format.ts';
import { clientOf, type SwapRecord, type SwapSum } from './swaps.ts';

/** The first row names the columns. */
export function swapRows(records: readonly SwapRecord[], style: TimeStyle): string[][] {
  const head = ['TIME', 'MODEL', 'FOR', 'EVICTED', 'STOPPING', 'LOADING', 'RELOADED'];
  return [head, ...records.map((record) => swapRow(record, style))];
}

function swapRow(record: SwapRecord, style: TimeStyle): string[] {
  const { at, target, evicted, stoppingMs, loadingMs, outcome, reloaded } = record;
  const back = reloaded.map(({ model, afterMs }) => `${model} after ${formatDuration(afterMs)}`);
  return [
    formatMoment(at, style),
    target,
    clientOf(record),
    evicted.length === 0 ? '-' : evicted.join(', '),
    stoppingMs === null ? '-' : formatDuration(stoppingMs),
    loadingMs !== null
      ? formatDuration(loadingMs)
      : outcome === 'open'
        ? 'not yet'
        : outcome === 'failed'
          ? 'failed'
          : '-',
    evicted.length === 0 ? '-' : back.length === 0 ? 'no' : list(back),
  ];
}

export function sumRows(sums: readonly SwapSum[], by: 'client' | 'model'): string[][] {
  const head = [by === 'client' ? 'CLIENT' : 'MODEL', 'SWAPS', 'FAILED', 'EVICTED', 'RELOADED', 'STOPPING', 'LOADING'];
  const rows = sums.map(({ key, swaps, failed, evicted, reloaded, stoppingMs, loadingMs }) => [
    key,
    String(swaps),
    String(failed),
    String(evicted),
    String(reloaded),
    formatDuration(stoppingMs),
    formatDuration(loadingMs),
  ]);
  return [head, ...rows];
}
