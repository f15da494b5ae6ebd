/**
 * `turnout policy run FILE --decision N`: what a policy would have decided at one recorded moment, beside what was decided
 * then. The View and the policy's memory are those of that moment. Records nothing.
 */
import { formatMoment } from '../../core/history/format.ts';
import { policyFaultText } from '../../core/history/policy-fault.ts';
import { disagreement } from '../../core/runtime/shadow.ts';
import type { PolicyFault, PolicyReply } from '../../policies/sandbox/types.ts';
import { illegal } from '../../policies/testing/legal.ts';
import type { Recorded } from '../../policies/testing/recorded.ts';
import { patiently } from '../../policies/testing/run-case.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { openPast, type Past, recordedDecision, replayOf } from './policy-past.ts';
import { configOf, mustLoad, type ProgramFile, programFile, withHost } from './policy-programs.ts';
import { verdictText } from './policy-words.ts';

export interface RunOptions extends GlobalOptions {
  decision: string;
  config?: string;
}

type Answer = { reply: PolicyReply<'plan'>; fault: null } | { reply: null; fault: PolicyFault };

/** Exit code 0, also where the policy decides otherwise; 1 where it fails. */
export async function policyRun(file: string, options: RunOptions): Promise<void> {
  const program = await programFile(file, await configOf(options.config));
  const past = await openPast(options);
  try {
    const recorded = await recordedDecision(past, options.decision);
    const { reply, fault } = await askAgain(past, program, recorded);
    if (fault !== null) process.exitCode = 1;
    const { decision, view } = recorded;
    const then = decision.data;
    const now = reply === null ? null : recorded.resolve(reply.answer);
    const differs = now === null ? null : disagreement(then.verdict, now);
    const against = now === null ? null : illegal(view, now, recorded.fallback);
    if (options.json === true) {
      const { planner, via, verdict, outcome } = then;
      const was = { planner, via, verdict, outcome };
      const logs = reply?.logs ?? [];
      const tookMs = reply?.tookMs ?? null;
      const answer = reply?.answer ?? null;
      printJson({
        decision: decision.position,
        target: view.target,
        was,
        answer,
        resolved: now,
        differs,
        illegal: against,
        logs,
        tookMs,
        fault,
      });
      return;
    }
    const asks = view.asking.length === 1 ? '1 request asks' : `${view.asking.length} requests ask`;
    print(`decision ${decision.position}, ${formatMoment(decision.at, options)}: ${asks} for ${view.target}`);
    print(`  then: ${verdictText(then.verdict)}   (${then.planner.name}, ${then.via}; ${then.outcome})`);
    if (reply === null) return print(policyFaultText(fault));
    print(`  now:  ${verdictText(reply.answer)}`);
    if (reply.answer.action === 'delegate' && now !== null) print(`        which is: ${verdictText(now)}`);
    if (against !== null) print(`  the kernel would refuse that (${against.rule}): ${against.detail}`);
    print(differs === null ? '  the same' : `  differs: ${differs}`);
    for (const line of reply.logs) print(`  log: ${line}`);
    print(`  took ${reply.tookMs.toFixed(2)} ms inside the sandbox`);
  } finally {
    await past.close();
  }
}

/** Its memory is rebuilt from the events up to that moment, its chance is that of then. */
async function askAgain(past: Past, program: ProgramFile, recorded: Recorded): Promise<Answer> {
  const { view, decision } = recorded;
  return withHost({ replay: replayOf(past) }, async (host) => {
    await mustLoad(host, program, { models: view.models.map(({ id }) => id), position: decision.data.viewPosition });
    const json = JSON.stringify(view);
    const result = await patiently(() => host.ask('live', 'plan', json, decision.data.seed));
    return result.ok ? { reply: result.value, fault: null } : { reply: null, fault: result.fault };
  });
}
