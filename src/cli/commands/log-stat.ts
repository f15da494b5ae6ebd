/** `turnout log stat`: what the event log holds and what takes the room in it. Reads the file, also while turnout runs. */
import { count, formatBytes, formatDuration, formatMoment, type TimeStyle } from '../../core/history/format.ts';
import { type LogStat, statLog } from '../../core/log/sqlite-stat.ts';
import { type GlobalOptions, print, printJson, table } from '../output.ts';
import { createProgress, logDirOf, percent } from './log-common.ts';

export async function logStat(options: GlobalOptions): Promise<void> {
  const dir = await logDirOf(options);
  const progress = createProgress();
  const stat = statLog(dir, (share) => progress.show(`reading the event log: ${percent(share)}`));
  progress.end();
  if (options.json === true) printJson(stat);
  else print(statText(stat, options));
}

export function statText(stat: LogStat, style: TimeStyle = {}): string {
  const share = (bytes: number) => percent(bytes / Math.max(1, stat.fileBytes));
  const rows = [
    ['file', stat.file],
    ['size', `${formatBytes(stat.fileBytes)}, ${formatBytes(stat.walBytes)} of it not folded in yet`],
    ['events', extentText(stat, style)],
    ['begins', beginText(stat)],
    ['head', typeof stat.head === 'number' ? `event ${stat.head}` : stat.head],
    ['commits', stat.commits.toLocaleString('en-US')],
    ['snapshots', snapshotText(stat)],
    ['free', `${formatBytes(stat.freeBytes)} (${share(stat.freeBytes)})${freeHint(stat)}`],
  ];
  if (stat.leaving > 0) rows.push(['leaving', `${count(stat.leaving, 'event')} that still take room`]);
  const types = stat.byType.map(({ type, events, bytes }) => [
    type,
    events.toLocaleString('en-US'),
    formatBytes(bytes),
    percent(bytes / Math.max(1, sum(stat.byType))),
  ]);
  const tables = stat.byTable.map(({ table: name, bytes }) => [name, formatBytes(bytes), share(bytes)]);
  return [
    table(rows),
    '',
    table([['event', 'number', 'data', 'share'], ...types]),
    '',
    table([['table or index', 'size', 'share'], ...tables]),
  ].join('\n');
}

function extentText({ events, first, last }: LogStat, style: TimeStyle): string {
  if (first === null || last === null) return 'none';
  const span = `${formatMoment(first.at, style)} to ${formatMoment(last.at, style)}`;
  const positions = `${first.position} to ${last.position}`;
  return `${events.toLocaleString('en-US')} (${positions}), ${span}, ${formatDuration(last.at - first.at)}`;
}

function beginText({ rebasedAt }: LogStat): string {
  return rebasedAt === null
    ? 'with its first event: none has left'
    : `with the state after event ${rebasedAt}: the events before have left`;
}

function snapshotText({ snapshots: { count: number, bytes, newest, ofOtherFolds } }: LogStat): string {
  if (number === 0) return 'none';
  const others = ofOtherFolds === 0 ? '' : `, ${ofOtherFolds} of another version that are not used`;
  return `${number.toLocaleString('en-US')}, ${formatBytes(bytes)}, the newest at event ${newest}${others}`;
}

/** Free room below this part of the file is used up again by new events. */
const FREE_SHARE_USUAL = 0.1;

const freeHint = ({ freeBytes, fileBytes }: LogStat): string =>
  freeBytes > fileBytes * FREE_SHARE_USUAL ? '; "turnout log compact" gives it back' : '';

const sum = (types: LogStat['byType']): number => types.reduce((total, { bytes }) => total + bytes, 0);
