/** What `verify` found, in sentences: how many decisions were the same, and the first that was not with both answers. Pure. */
import { verdictWords } from '../explain-position.ts';
import { count, formatMoment, list, type TimeStyle } from '../format.ts';
import type { Divergence, Verification } from './verify.ts';

export function verificationText(found: Verification, style: TimeStyle): string[] {
  const { decisions, same, different, notReproducible, notComparable, first } = found;
  const parts = [`${same.toLocaleString('en-US')} the same`];
  if (different > 0) parts.push(`${different.toLocaleString('en-US')} different`);
  parts.push(...countsText('not reproducible', notReproducible), ...countsText('not comparable', notComparable));
  return [
    decisions === 0 ? 'no decision was recorded' : `${count(decisions, 'decision')} asked again: ${list(parts)}`,
    ...(first === null ? [] : divergenceText(first, style)),
  ];
}

function countsText(what: string, counts: Record<string, number>): string[] {
  const reasons = Object.entries(counts);
  if (reasons.length === 0) return [];
  const sum = reasons.reduce((total, [, n]) => total + n, 0);
  return [`${sum.toLocaleString('en-US')} ${what} (${reasons.map(([why, n]) => `${n} x ${why}`).join('; ')})`];
}

function divergenceText({ position, at, target, planner, recorded, answered }: Divergence, style: TimeStyle): string[] {
  const { verdict, outcome, failed } = answered;
  const now =
    verdict === null
      ? `no answer: ${failed}`
      : `${verdictWords(verdict)}: ${verdict.reason} (${outcome ?? 'nothing would be recorded'})`;
  const then = `${verdictWords(recorded.verdict)}: ${recorded.verdict.reason}`;
  return [
    `the first that differs is at position ${position}, ${formatMoment(at, style)}, about ${target} (${planner} planner):`,
    `  recorded: ${then} (${recorded.outcome})`,
    `  answered: ${now}`,
  ];
}
