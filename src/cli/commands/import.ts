/**
 * `turnout import FILE`: says whether an export is whole, what it holds, whether it folds to the state that it says, and how
 * to look at it. With --state-dir it becomes the log of a new state directory.
 */
import { createHash } from 'node:crypto';
import { count, formatDuration, formatMoment, list } from '../../core/history/format.ts';
import { type ImportedLog, importInto, openExport } from '../../core/history/import.ts';
import { encodeState, STATE_VERSION } from '../../core/state-codec.ts';
import { type GlobalOptions, print, printJson, table } from '../output.ts';
import { interruptible, percent } from './log-common.ts';

interface Found extends Pick<ImportedLog, 'header' | 'end'> {
  file: string;
  /** Whether it folds to the state that was recorded; null: this turnout makes other states than that one did. */
  foldsTo: 'the same' | 'another' | null;
  models: string[];
  /** The directory whose log it is now. */
  stateDir: string | null;
}

/** It was read, but does not lead where it says. */
const OTHER_STATE_EXIT_CODE = 3;

export async function importLog(file: string, options: GlobalOptions): Promise<void> {
  const { stateDir } = options;
  const found = await interruptible(async (signal, progress) => {
    const onProgress = (share: number) => progress.show(`reading the export: ${percent(share)}`);
    const log = await openExport(file, { signal, onProgress });
    try {
      progress.show('folding its events');
      const state = await log.stateAt(log.head);
      const hash = createHash('sha256').update(encodeState(state)).digest('hex');
      const { header, end } = log;
      const same = hash === end.stateHash ? ('the same' as const) : ('another' as const);
      const foldsTo = end.stateVersion === STATE_VERSION ? same : null;
      if (stateDir !== undefined) await importInto(file, stateDir, { signal, onProgress });
      return { file, header, end, foldsTo, models: [...state.models.keys()], stateDir: stateDir ?? null };
    } finally {
      await log.close();
    }
  });
  if (found === null) return;
  if (options.json === true) printJson(found);
  else print(foundText(found, options));
  if (found.foldsTo === 'another') process.exitCode = OTHER_STATE_EXIT_CODE;
}

function foundText({ file, header, end, foldsTo, models, stateDir }: Found, style: GlobalOptions): string {
  const { base, head, turnout, exportedAt, redacted, relabelled } = header;
  const { events, requests, decisions, from, to } = end;
  const span =
    from === null || to === null
      ? 'none'
      : `${formatMoment(from, style)} to ${formatMoment(to, style)}, ${formatDuration(to - from)}`;
  const hidden = [...(redacted ? ['clients', 'sessions', 'places'] : []), ...(relabelled ? ['models'] : [])];
  const at = stateDir === null ? `--file ${file}` : `--state-dir ${stateDir}`;
  const rows = [
    ['export', `${file}: whole`],
    ['written', `${formatMoment(exportedAt, style)} by turnout ${turnout}`],
    ['span', span],
    ['events', `${events.toLocaleString('en-US')} (${base + 1} to ${head})`],
    ['begins', base === 0 ? 'with the first event of its log' : `with the state after event ${base}`],
    ['holds', `${count(requests, 'request')}, ${count(decisions, 'decision')}, ${count(end.models, 'model')}`],
    ['models', models.join(', ')],
    ['hidden', hidden.length === 0 ? 'nothing' : `the names of ${list(hidden)}`],
    ['folds to', foldWords(foldsTo)],
  ];
  const replay = stateDir === null ? `turnout replay ${file} --speed 0` : `turnout replay ${at} --speed 0`;
  const looks = [replay, `turnout explain ${models[0] ?? 'MODEL'} ${at}`, `turnout state --at ${head} ${at}`];
  const more = [`turnout swaps --since 36500d ${at}`, `turnout verify ${at}`];
  return [table(rows), '', 'look at it with', ...[...looks, ...more].map((line) => `  ${line}`)].join('\n');
}

function foldWords(foldsTo: Found['foldsTo']): string {
  if (foldsTo === null) return 'a state of another version of turnout, which cannot be compared with this one';
  return foldsTo === 'the same'
    ? 'the state that was recorded'
    : 'another state than was recorded: please report it, with the file';
}
