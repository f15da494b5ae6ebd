/**
 * What went wrong in a policy, as its author reads it: the sentence, the place with its source, what happens next and what
 * to try. One shape in the log, in `check`, in `test` and in `run`. Must not know any event.
 */
import type { PolicyFaultData } from '../events.ts';
import { LIMITS } from '../limits.ts';

/** `strike`: which of the strikes this is in running; absent where nothing runs. */
export function policyFaultText(fault: PolicyFaultData, running?: { strike: number }): string {
  const { kind, during, message, file, line, column, excerpt } = fault;
  const what = during === 'load' ? 'the policy cannot be loaded' : `the policy failed in ${during}()`;
  const place = line === null ? file : `${file}:${line}${column === null ? '' : `:${column}`}`;
  return [
    `error[policy-${kind}]: ${what}: ${message}`,
    ` --> ${place}`,
    ...(excerpt === null ? [] : excerpt.split('\n').map((text) => ` ${text}`)),
    `  = next: ${next(fault, running?.strike ?? null)}`,
    ...tries(fault, running !== undefined).map((text) => `  = try: ${text}`),
  ].join('\n');
}

/** What becomes of requests and of the policy. */
function next({ during, kind }: PolicyFaultData, strike: number | null): string {
  if (during === 'load' || during === 'initial') {
    return 'it is not taken; what was in charge before stays so, and without one the fallback planner decides';
  }
  if (during === 'evolve')
    return 'its memory cannot be trusted any more, so the fallback planner decides until it changes';
  const who = during === 'plan' ? 'the fallback planner answers the same request' : 'it is as if it had said nothing';
  if (kind === 'dead' || strike === 0) return `${who}; this is no strike`;
  const minutes = LIMITS.policyStrikesWithinMs / 60_000;
  const count =
    strike === null ? `${LIMITS.policyStrikesMax} such failures` : `strike ${strike}: ${LIMITS.policyStrikesMax}`;
  return `${who}; ${count} within ${minutes} minutes disable the policy until it changes`;
}

/** In the order in which they are likely to help. */
function tries({ kind, during, file, message }: PolicyFaultData, isRunning: boolean): string[] {
  const check = isRunning ? [`turnout policy check ${file}`] : [];
  const test = `turnout policy test ${file}`;
  switch (kind) {
    case 'syntax':
      return check;
    case 'shape':
      return /option/.test(message) ? ['correct it under turnout.policy.options'] : check;
    case 'throw':
      return [
        ...(/undefined|null/.test(message)
          ? ['guard what may be missing: view.candidates may be empty, find() may find nothing']
          : []),
        during === 'plan'
          ? `turnout policy run ${file} --decision <position>, then make it a case with: turnout policy test ${file} --from-log <position>`
          : test,
      ];
    case 'timeout':
      return [
        'look at fewer things: view.candidates holds the legal evictions, cheapest first',
        `turnout policy bench ${file}`,
      ];
    case 'memory':
      return ['keep counts in the memory, not lists that grow'];
    case 'too-long':
      return ['return less; what evolve returns and what options hold is bounded too'];
    case 'nonsense':
      return ["return an answer such as { action: 'delegate' }", test];
    case 'illegal':
      return ['choose from view.candidates, which are all legal, or delegate', test];
    case 'dead':
      return ['nothing: the host starts again by itself'];
  }
}
