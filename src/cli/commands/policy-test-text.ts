/** One case of a test table, as `turnout policy test` prints it: what was expected, what came, and why. */
import type { PolicyVerdict } from '../../core/events.ts';
import { policyFaultText } from '../../core/history/policy-fault.ts';
import type { CaseResult } from '../../policies/testing/run-case.ts';
import { verdictText } from './policy-words.ts';

export function caseText(one: CaseResult): string {
  if (one.ok) return `  ok    ${one.name}`;
  const lines = [`  FAIL  ${one.name}`];
  if (one.fault !== null) lines.push(policyFaultText(one.fault));
  const width = Math.max(0, ...one.differences.map(({ at }) => at.length));
  for (const { at, expected, got } of one.differences) {
    lines.push(`${at.padEnd(width)}  expected  ${expected}`, `${' '.repeat(width)}  got       ${got}`);
  }
  if (one.illegal !== null) lines.push(`the kernel would refuse it (${one.illegal.rule}): ${one.illegal.detail}`);
  lines.push(...answerLines(one));
  for (const line of one.logs) lines.push(`log: ${line}`);
  return lines.join('\n').replaceAll('\n', '\n        ');
}

function answerLines({ answer, resolved, hook }: CaseResult): string[] {
  if (answer === null) return [];
  if (Array.isArray(answer)) return [`it answered: ${answer.join(', ')}`];
  const lines = [`it answered: ${verdictText(answer)}`];
  if (hook === 'plan' && answer.action === 'delegate') {
    lines.push(`which is: ${verdictText(resolved as unknown as PolicyVerdict)}`);
  }
  return lines;
}
