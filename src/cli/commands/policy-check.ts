/**
 * `turnout policy check FILE...`: what is wrong with policies, without asking them anything: what the sandbox does not have,
 * syntax, shape, and options against a configuration. Exit code 0, 1 when one is refused.
 */
import type { Config } from '../../core/config/config.ts';
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { optionDiagnostics, optionSentence } from '../../core/config/option-places.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { policyFaultText } from '../../core/history/policy-fault.ts';
import { bannedUses } from '../../policies/checking/banned.ts';
import type { PolicyFault, PolicyHost, PolicyShape } from '../../policies/sandbox/types.ts';
import { patiently } from '../../policies/testing/run-case.ts';
import { print, printJson } from '../output.ts';
import { configOf, type ProgramFile, programFile, withHost } from './policy-programs.ts';

export interface CheckedPolicy {
  file: string;
  ok: boolean;
  /** What the file uses that is not there, and options that are not right: with their places. */
  errors: Diagnostic[];
  /** Why the host refuses it, where that is not said by the errors. */
  fault: PolicyFault | null;
  shape: PolicyShape | null;
  notes: string[];
}

export async function policyCheck(files: string[], options: { config?: string; json?: boolean }): Promise<void> {
  const config = await configOf(options.config);
  const checked = await withHost({}, async (host) => {
    const done: CheckedPolicy[] = [];
    for (const file of files) done.push(await checkPolicy(host, await programFile(file, config), config));
    return done;
  });
  if (options.json === true) printJson({ policies: checked });
  else print(checked.map(textOf).join('\n\n'));
  if (checked.some(({ ok }) => !ok)) process.exitCode = 1;
}

/** Loads it in the host and drops it again. */
export async function checkPolicy(
  host: PolicyHost,
  program: ProgramFile,
  config: Config | null,
): Promise<CheckedPolicy> {
  const { file, source, options, configured } = program;
  const notes = config !== null && !configured ? ['the configuration does not name this policy'] : [];
  const uses = usesIn(file, source);
  const models = config === null ? {} : { models: [...config.models.keys()] };
  const slot = `check ${file}`;
  const result = await patiently(() => host.load({ slot, file, source, options, ...models, live: true, position: 0 }));
  host.drop(slot);
  if (result.ok) return { file, ok: uses.length === 0, errors: uses, fault: null, shape: result.value, notes };
  const { fault } = result;
  const isTold = uses.some(({ line, message }) => line === fault.line && message.startsWith('import'));
  if (isTold) return { file, ok: false, errors: uses, fault: null, shape: null, notes };
  if (fault.problems.length === 0) return { file, ok: false, errors: uses, fault, shape: null, notes };
  if (config !== null && configured) {
    const errors = [...uses, ...(await optionDiagnostics(config, fault.problems))];
    return { file, ok: false, errors, fault: null, shape: null, notes };
  }
  // it has none to go wrong with: what it must be given is worth knowing
  notes.push(...fault.problems.map((problem) => `${optionSentence(problem)}; name the configuration with --config`));
  return { file, ok: uses.length === 0, errors: uses, fault: null, shape: null, notes };
}

function usesIn(file: string, source: string): Diagnostic[] {
  const lines = source.split('\n');
  return bannedUses(source, /\.m?ts$/.test(file)).map(({ what, instead, line, column }) => ({
    severity: 'error',
    code: 'policy-not-available',
    message: `${what} is not available in policies`,
    file,
    line,
    column,
    length: what.startsWith('import of') ? what.length - 'import of '.length : what.length,
    source: lines[line - 1] ?? '',
    help: instead,
  }));
}

function textOf({ file, ok, errors, fault, shape, notes }: CheckedPolicy): string {
  const blocks: string[] = [];
  if (errors.length > 0) blocks.push(renderDiagnostics(errors, { colour: process.stdout.hasColors?.() ?? false }));
  if (fault !== null) blocks.push(policyFaultText(fault));
  for (const note of notes) blocks.push(`note: ${note}`);
  blocks.push(`${file}: ${ok ? 'ok' : 'refused'}${shape === null ? '' : `: ${describe(shape)}`}`);
  return blocks.join('\n\n');
}

function describe({ name, hooks, events, options }: PolicyShape): string {
  const { rank, idle, evolve } = hooks;
  const has = ['plan', ...(rank ? ['rank'] : []), ...(idle ? ['idle'] : []), ...(evolve ? ['evolve'] : [])];
  const parts = [`${name} answers ${has.join(', ')}`];
  if (events.length > 0) parts.push(`remembers ${events.join(', ')}`);
  if (Object.keys(options).length > 0) parts.push(`options ${JSON.stringify(options)}`);
  return parts.join('; ');
}
