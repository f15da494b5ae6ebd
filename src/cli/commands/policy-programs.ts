/**
 * What the policy commands share: the file with the options that a configuration gives it, and the real host to run it in.
 * Must never run a policy anywhere else.
 */
import { resolve } from 'node:path';
import type { Json } from '../../core/config/canonical.ts';
import type { Config, PolicyConfig } from '../../core/config/config.ts';
import { readConfig } from '../../core/config/read.ts';
import { renderDiagnostics } from '../../core/config/render.ts';
import { TurnoutError } from '../../core/errors.ts';
import { policyFaultText } from '../../core/history/policy-fault.ts';
import type { ModelId } from '../../core/ids.ts';
import { readPolicy } from '../../core/runtime/policy-files.ts';
import type {
  PolicyFault,
  PolicyHost,
  PolicyHostOptions,
  PolicyProgram,
  PolicyShape,
} from '../../policies/sandbox/types.ts';
import { patiently } from '../../policies/testing/run-case.ts';

export interface ProgramFile {
  /** As the user named it. */
  file: string;
  source: string;
  options: { [name: string]: Json };
  /** Whether a configuration was named that has this policy. */
  configured: boolean;
}

/** Throws TurnoutError: 'not-found' when the file cannot be read. */
export async function programFile(file: string, config: Config | null): Promise<ProgramFile> {
  const read = await readPolicy(file);
  if ('problem' in read) throw new TurnoutError('not-found', read.problem);
  const { source } = read;
  const found = config === null ? undefined : policiesOf(config).find((one) => one.file === resolve(file));
  return { file, source, options: found?.options ?? {}, configured: found !== undefined };
}

/** Those that a configuration names, the live one first. */
export function policiesOf({ turnout }: Config): PolicyConfig[] {
  return [...(turnout.policy == null ? [] : [turnout.policy]), ...(turnout.shadow ?? [])];
}

/** Null without `--config`. Throws TurnoutError 'config' with every diagnostic. */
export async function configOf(path: string | undefined): Promise<Config | null> {
  if (path === undefined) return null;
  const result = await readConfig({ config: path });
  if ('config' in result) return result.config;
  throw new TurnoutError('config', `the configuration is refused\n${renderDiagnostics(result.errors)}`);
}

/** A host for the time of `use`. */
export async function withHost<T>(options: PolicyHostOptions, use: (host: PolicyHost) => Promise<T>): Promise<T> {
  const { createPolicyHost } = await import('../../policies/sandbox/policy-host.ts');
  const host = createPolicyHost(options);
  try {
    return await use(host);
  } finally {
    await host.close();
  }
}

/** Loads it, or throws TurnoutError 'conflict' with what its author has to know. */
export async function mustLoad(
  host: PolicyHost,
  program: Pick<ProgramFile, 'file' | 'source' | 'options'>,
  more: Partial<PolicyProgram> & { models: readonly ModelId[] },
): Promise<PolicyShape> {
  const { file, source, options } = program;
  const whole = { slot: 'live', file, source, options, live: true, position: 0, ...more };
  const result = await patiently(() => host.load(whole));
  if (result.ok) return result.value;
  throw refused(result.fault);
}

export function refused(fault: PolicyFault): TurnoutError {
  return new TurnoutError('conflict', `the policy is refused\n${policyFaultText(fault)}`);
}
