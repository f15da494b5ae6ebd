/**
 * The options of a policy: the schema that it declares, and the values that a user gave. Pure. Every problem names the
 * option and what to write instead; whoever knows the configuration's text adds the line.
 */
import type { Json } from '../../core/config/canonical.ts';
import type { PolicyFault } from '../../core/runtime/policy-port.ts';
import { hint, isRecord, kindOf, type OptionSpec, show, valueFault, wanted } from './option-values.ts';

export type OptionsSchema = { [name: string]: OptionSpec };

/** The message goes on after the option's name. */
export type OptionProblem = PolicyFault['problems'][number];

const TYPES: ReadonlySet<unknown> = new Set(
  ['string', 'number', 'boolean', 'model'].flatMap((of) => [of, `${of}[]`, `${of}{}`]),
);
const FIELDS = ['type', 'doc', 'default', 'optional', 'min', 'max', 'choices'];

/** Reads what a policy declares. Gives a sentence when it is not a schema. */
export function readSchema(declared: unknown): OptionsSchema | string {
  if (declared === undefined || declared === null) return {};
  if (!isRecord(declared)) return `"options" must be an object of options, got ${kindOf(declared)}`;
  const schema: OptionsSchema = Object.create(null);
  for (const [name, spec] of Object.entries(declared)) {
    const wrong = specFault(name, spec);
    if (wrong !== null) return wrong;
    schema[name] = spec as OptionSpec;
  }
  return schema;
}

function specFault(name: string, spec: unknown): string | null {
  const at = `option "${name}"`;
  if (!isRecord(spec))
    return `${at} must be described by an object such as { type: 'number', default: 1 }, got ${kindOf(spec)}`;
  if (!TYPES.has(spec['type'])) {
    return `${at} must have a "type" of string, number, boolean or model, with [] for a list or {} for a map, got ${show(spec['type'])}`;
  }
  const unknown = Object.keys(spec).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `${at} has an unknown field "${unknown}"${hint(unknown, FIELDS)}`;
  const { doc, min, max, choices, optional } = spec;
  if (doc !== undefined && typeof doc !== 'string') return `${at}: "doc" must be text, got ${kindOf(doc)}`;
  if (optional !== undefined && typeof optional !== 'boolean') return `${at}: "optional" must be true or false`;
  for (const bound of [min, max]) {
    if (bound !== undefined && typeof bound !== 'number')
      return `${at}: "min" and "max" must be numbers, got ${show(bound)}`;
  }
  if (choices !== undefined && !(Array.isArray(choices) && choices.every((choice) => typeof choice === 'string'))) {
    return `${at}: "choices" must be a list of texts, got ${show(choices)}`;
  }
  if (spec['default'] === undefined) return null;
  const wrong = valueFault(spec as unknown as OptionSpec, spec['default'], null);
  return wrong === null ? null : `${at}: its default ${wrong}`;
}

/** Fills in defaults. `models`: the ids that may be named; null = any. */
export function resolveOptions(
  schema: OptionsSchema,
  given: { [name: string]: Json },
  models: readonly string[] | null,
): { options: { [name: string]: Json }; problems: OptionProblem[] } {
  const options: { [name: string]: Json } = Object.create(null);
  const problems: OptionProblem[] = [];
  const known = Object.keys(schema);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const has = known.length === 0 ? 'the policy has no options' : `the policy has ${known.join(', ')}`;
    problems.push({ option: name, message: `is not known${hint(name, known) || `; ${has}`}` });
  }
  for (const [name, spec] of Object.entries(schema)) {
    const value = Object.hasOwn(given, name) ? given[name] : spec.default;
    if (value === undefined) {
      if (spec.optional !== true) problems.push({ option: name, message: `must be given: ${wanted(spec)}` });
      continue;
    }
    const wrong = valueFault(spec, value, models);
    if (wrong === null) options[name] = value;
    else problems.push({ option: name, message: wrong });
  }
  return { options, problems };
}
