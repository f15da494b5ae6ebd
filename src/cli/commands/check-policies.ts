/** The policies that a configuration names, for `turnout check`: each is loaded in the real host, so that what is told is what would happen. */
import type { Config } from '../../core/config/config.ts';
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { TurnoutError } from '../../core/errors.ts';
import type { PolicyFault } from '../../policies/sandbox/types.ts';
import { checkPolicy } from './policy-check.ts';
import { policiesOf, programFile, withHost } from './policy-programs.ts';

/** Errors with their places: options in the configuration, the rest in the policy's file. Those not in use are not read. */
export async function policyDiagnostics(config: Config): Promise<Diagnostic[]> {
  const isLive = config.turnout.planner === 'policy';
  const used = policiesOf(config).filter((one) => isLive || config.turnout.shadow?.includes(one) === true);
  if (used.length === 0) return [];
  return withHost({}, async (host) => {
    const found: Diagnostic[] = [];
    for (const { file, options } of used) {
      try {
        const program = { ...(await programFile(file, config)), options };
        const { errors, fault } = await checkPolicy(host, program, config);
        found.push(...errors, ...(fault === null ? [] : [faultDiagnostic(fault, program.source)]));
      } catch (error) {
        if (!(error instanceof TurnoutError)) throw error;
        found.push({ ...blank, code: 'policy-unreadable', message: error.message, file });
      }
    }
    return found;
  });
}

const blank = { severity: 'error', line: 0, column: 0, length: 0, source: '', help: null } as const;

function faultDiagnostic({ kind, during, message, file, line, column }: PolicyFault, source: string): Diagnostic {
  const what = during === 'load' ? message : `it fails in ${during}(): ${message}`;
  const place =
    line === null ? {} : { line, column: column ?? 1, length: 1, source: source.split('\n')[line - 1] ?? '' };
  return { ...blank, ...place, code: `policy-${kind}`, message: `the policy is refused: ${what}`, file };
}
