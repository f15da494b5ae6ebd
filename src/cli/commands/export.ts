/**
 * `turnout export`: one file with a slice of the log that can be read anywhere, to be sent to somebody or kept as a test.
 * Reads the log, also while turnout runs; never writes to it, and leaves no half file.
 */
import { TurnoutError } from '../../core/errors.ts';
import { exportLines } from '../../core/history/export.ts';
import { CASE_FILE, CASE_SLICE, writeCase } from '../../core/history/export-case.ts';
import { sliceBase } from '../../core/history/export-range.ts';
import { type WrittenExport, writeExport } from '../../core/history/export-write.ts';
import { count, formatBytes, formatMoment, list } from '../../core/history/format.ts';
import { positionOf, readMoment } from '../../core/history/moment.ts';
import { print, printJson } from '../output.ts';
import { VERSION } from '../version.ts';
import { interruptible, percent } from './log-common.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';

interface ExportCommand extends PastOptions {
  since?: string;
  until?: string;
  out: string;
  redact?: boolean;
  relabel?: boolean;
  policies?: boolean;
  asTest?: boolean;
}

export async function exportLog(options: ExportCommand): Promise<void> {
  const done = await interruptible(async (signal, progress) => {
    progress.show('checking the hashes of the event log');
    const onProgress = (part: number) => progress.show(`reading the export: ${percent(part)}`);
    const log = await openPastLog(options, { signal, onProgress });
    try {
      const range = await rangeOf(log, options);
      const lines = exportLines(log, {
        ...range,
        version: VERSION.version,
        now: Date.now(),
        redact: hides(options),
        relabel: options.relabel === true,
        policies: options.policies === true,
        onProgress: (position) =>
          progress.show(
            `writing the export: ${percent((position - range.base) / Math.max(1, range.head - range.base))}`,
          ),
      });
      const about = `events ${range.base + 1} to ${range.head} of a turnout ${VERSION.version}`;
      const written =
        options.asTest === true
          ? await writeCase(options.out, about, lines, signal)
          : await writeExport(options.out, lines, signal);
      return { ...range, ...written };
    } finally {
      await log.close();
    }
  });
  if (done === null) return;
  if (options.json === true) printJson(done);
  else print(exportText(done, options));
}

/** A test case is there for everybody. */
const hides = ({ redact, asTest }: ExportCommand): boolean => redact === true || asTest === true;

async function rangeOf(log: PastLog, { since, until, utc }: ExportCommand): Promise<{ base: number; head: number }> {
  const clock = { now: Date.now(), utc: utc === true };
  const first = since === undefined ? null : readMoment('--since', since, clock);
  const last = until === undefined ? null : readMoment('--until', until, clock);
  const head = last === null ? log.head : Math.min(log.head, await positionOf(log, last));
  // A position is that of the first event that is wanted, a time lies between two.
  const wanted = first === null ? log.base : 'position' in first ? first.position - 1 : await positionOf(log, first);
  if (head < log.base || wanted > head) {
    const has = `the log holds events ${log.base + 1} to ${log.head}`;
    throw new TurnoutError('usage', `export events ${wanted + 1} to ${head}: expected some, got none; ${has}`);
  }
  return { base: await sliceBase(log, Math.max(0, wanted), log.base), head };
}

function exportText(
  { file, bytes, base, head, end }: WrittenExport & { base: number; head: number },
  options: ExportCommand,
): string {
  const { events, requests, decisions, from, to } = end;
  const span = from === null || to === null ? '' : `, ${formatMoment(from, options)} to ${formatMoment(to, options)}`;
  const what = `${count(events, 'event')} (${base + 1} to ${head}${span}), ${count(requests, 'request')}, ${count(decisions, 'decision')}`;
  const slice = options.asTest === true ? `${options.out}/${CASE_SLICE}` : options.out;
  const look = `turnout import ${slice}; turnout replay ${slice}; turnout explain MODEL --file ${slice}`;
  return [
    `${file} (${formatBytes(bytes)}) holds ${what}`,
    hiddenText(options),
    options.asTest === true
      ? `test/log/old-logs.test.ts runs it from test/fixtures/logs; say in ${options.out}/${CASE_FILE} what it is about`
      : `anybody with turnout can look at it: ${look}`,
  ].join('\n');
}

function hiddenText(options: ExportCommand): string {
  const never = 'prompts, answers and keys are in no log';
  const [redact, relabel] = [hides(options), options.relabel === true];
  if (!redact && !relabel) return `${never}; who asked for what is in it: --redact hides that`;
  const hidden = redact ? ['clients', 'sessions', 'addresses', 'directories'] : [];
  if (relabel) hidden.push('models');
  const sources = redact && options.policies !== true ? '; the sources of policies are left out' : '';
  return `${never}; ${list(hidden)} have other names${sources}; look at it before you send it`;
}
