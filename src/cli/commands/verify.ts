/**
 * `turnout verify`: proves the log whole, then asks every recorded decision again of the planner that made it. Exit code 0:
 * all the same; 1: the log cannot be read or is not whole; 3: a decision came out differently.
 */
import { count } from '../../core/history/format.ts';
import { positionOf, readMoment } from '../../core/history/moment.ts';
import { type Range, share } from '../../core/history/verify/decisions.ts';
import { isReproduced, type Verification, verifyDecisions } from '../../core/history/verify/verify.ts';
import { verificationText } from '../../core/history/verify/verify-text.ts';
import { builtInPlanner } from '../../policies/built-in.ts';
import { print, printJson } from '../output.ts';
import { interruptible, percent } from './log-common.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';
import { recordedPolicies } from './recorded-policies.ts';

interface VerifyOptions extends PastOptions {
  since?: string;
}

const DIVERGED_EXIT_CODE = 3;

export async function verify(options: VerifyOptions): Promise<void> {
  const done = await interruptible(async (signal, progress) => {
    progress.show('checking the hashes of the event log');
    const onProgress = (part: number) => progress.show(`reading the export: ${percent(part)}`);
    const log = await openPastLog(options, { signal, onProgress });
    try {
      const found = await verifyPast(log, { from: await fromOf(log, options), to: log.head }, signal, (part) =>
        progress.show(`asking the decisions again: ${percent(part)}`),
      );
      return { log: { where: log.where, first: log.base, last: log.head, whole: true }, ...found };
    } finally {
      await log.close();
    }
  });
  if (done === null) return;
  if (options.json === true) printJson(done);
  else {
    const { where, first, last } = done.log;
    const begin = first === 0 ? '' : ` (its beginning has left, it starts with the state after event ${first})`;
    print(`the log in ${where} is whole: ${count(last - first, 'event')}, the hashes agree${begin}`);
    print(verificationText(done, options).join('\n'));
  }
  if (!isReproduced(done)) process.exitCode = DIVERGED_EXIT_CODE;
}

/** Also what `simulate` begins with. */
export async function verifyPast(
  log: PastLog,
  range: Range,
  signal: AbortSignal,
  onShare: (part: number) => void,
): Promise<Verification> {
  const policies = recordedPolicies(log);
  try {
    return await verifyDecisions(log, range, {
      makeBuiltIn: builtInPlanner,
      askPolicy: policies.ask,
      onProgress: (position) => onShare(share(position, range)),
      signal,
    });
  } finally {
    await policies.close();
  }
}

/** Where `--since` begins, as the position before the first event that counts. */
export async function fromOf(log: PastLog, { since, utc }: { since?: string; utc?: boolean }): Promise<number> {
  if (since === undefined) return log.base;
  const moment = readMoment('--since', since, { now: Date.now(), utc: utc === true });
  const position = await positionOf(log, moment);
  return Math.min(log.head, Math.max(log.base, position));
}
