/**
 * Judges a program that was compiled: whether its default export is a policy, and whether the given options are what it
 * wants. Must never trust what the sandbox tells of it.
 */
import { guiltyFault } from './fault.ts';
import { resolveOptions } from './options.ts';
import { readShape } from './read-shape.ts';
import type { PolicyFault, PolicyProgram, PolicyResult, PolicyShape } from './types.ts';

/** `descriptionJson`: the default export, as the sandbox describes it. */
export function judge(program: PolicyProgram, descriptionJson: string): PolicyResult<PolicyShape> {
  const no = (message: string, problems: PolicyFault['problems'] = []): PolicyResult<PolicyShape> => {
    const fault = guiltyFault(program, 'load', { kind: 'shape', message, stack: '' });
    // an option is wrong in the configuration, not in the policy's file
    if (problems.length > 0)
      return { ok: false, fault: { ...fault, line: null, column: null, excerpt: null, problems } };
    return { ok: false, fault };
  };
  const read = readShape(descriptionJson);
  if (!read.ok) return no(read.message);
  const { options, problems } = resolveOptions(read.shape.optionsSchema, program.options, program.models ?? null);
  if (problems.length > 0) return no('its options are not right', problems);
  return { ok: true, value: { ...read.shape, options } };
}
