/**
 * `turnout state`: what `ps` would have printed at a moment of the past, and what is different at another one. Asks the
 * running turnout, or folds its log when none runs.
 */
import { asJson, type PastPicture, pastPicture } from '../../api/routes/state.ts';
import { type Difference, diffLines, diffPictures } from '../../core/history/diff.ts';
import { formatClock, formatMoment, list, type TimeStyle } from '../../core/history/format.ts';
import { type Moment, positionOf, readMoment } from '../../core/history/moment.ts';
import { findTurnout, requestJson } from '../client.ts';
import { print, printJson } from '../output.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';
import { psText } from './ps-text.ts';

interface StateOptions extends PastOptions {
  at: string;
  diff?: string;
}

interface Diff {
  from: number;
  to: number;
  differences: Difference[];
}

export async function state(options: StateOptions): Promise<void> {
  const clock = { now: Date.now(), utc: options.utc === true };
  const at = readMoment('--at', options.at, clock);
  const diff = options.diff === undefined ? null : readMoment('--diff', options.diff, clock);
  const found = options.file === undefined ? await findTurnout(options) : null;
  const answer = found?.url == null ? await fromFile(options, at, diff) : await fromServer(found.url, at, diff);
  if (options.json === true) printJson(answer);
  else print('differences' in answer ? diffText(answer) : pictureText(answer, options));
}

const param = (moment: Moment): string => String('position' in moment ? moment.position : Math.round(moment.time));

function fromServer(url: string, at: Moment, diff: Moment | null): Promise<PastPicture | Diff> {
  return requestJson(url, `/api/state?at=${param(at)}${diff === null ? '' : `&diff=${param(diff)}`}`);
}

async function fromFile(options: StateOptions, at: Moment, diff: Moment | null): Promise<PastPicture | Diff> {
  const log = await openPastLog(options);
  try {
    const before = await pictureAt(log, at);
    if (diff === null) return before;
    const after = await pictureAt(log, diff);
    return { from: before.position, to: after.position, differences: diffPictures(asJson(before), asJson(after)) };
  } finally {
    await log.close();
  }
}

async function pictureAt(log: PastLog, moment: Moment): Promise<PastPicture> {
  const position = await positionOf(log, moment);
  // Nothing is known of the time after the last event: whatever ran may have ended.
  const isPast = 'time' in moment && position < log.head;
  return pastPicture(await log.stateAt(position), isPast ? moment.time : null);
}

/** A header that says which moment it is, then what `ps` prints. */
export function pictureText(picture: PastPicture, style: TimeStyle): string {
  const { position, at, phase, planner, drain, policies, logTroubled, stalled } = picture;
  const notes = [
    `position ${position}, ${formatMoment(at, style)}: turnout is ${phase}, planner ${planner}`,
    ...(drain === null
      ? []
      : [
          `drain for ${drain.target} until ${formatClock(drain.until, style)}: ${list(drain.evict)} take no new requests`,
        ]),
    ...policies.map((one) => `policy ${one.name} (${one.slot})${one.disabled === null ? '' : `: ${one.disabled}`}`),
    ...(logTroubled === null ? [] : [`the log could not be written: ${logTroubled}`]),
    ...(stalled === null ? [] : [`stalled: ${stalled}`]),
  ];
  return `${notes.join('\n')}\n\n${psText(picture, at)}`;
}

function diffText({ from, to, differences }: Diff): string {
  const lines = diffLines(differences);
  const head = `from position ${from} to ${to}`;
  return lines.length === 0
    ? `${head}: nothing is different`
    : [`${head}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
