/**
 * Reads what the sandbox tells of a policy's default export, and says in a sentence what is not as it must be. Must never
 * trust it: it was made beside the policy's code.
 */
import { nearest } from '../../core/config/nearest.ts';
import { VERSION } from '../../core/events.ts';
import { BOUNDS } from './bounds.ts';
import { hint, isRecord, kindOf, show } from './option-values.ts';
import { type OptionsSchema, readSchema } from './options.ts';
import type { PolicyShape } from './types.ts';

export type ReadShape = { ok: true; shape: Omit<PolicyShape, 'options'> } | { ok: false; message: string };

const EXPECTED = 'export default { name, apiVersion: 1, plan(view) { ... } }';
const HOOKS = ['plan', 'rank', 'idle', 'initial', 'evolve'] as const;
/** `description` is for people; nothing reads it. */
const FIELDS = ['name', 'apiVersion', 'description', 'options', 'events', ...HOOKS];
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function readShape(descriptionJson: string): ReadShape {
  const no = (message: string): ReadShape => ({ ok: false, message });
  let told: unknown = null;
  try {
    told = JSON.parse(descriptionJson);
  } catch {
    // judged as nothing
  }
  if (!isRecord(told)) return no('the sandbox told nothing of the policy');
  if (told['is'] === 'undefined') return no(`the policy has no default export, expected ${EXPECTED}`);
  if (told['is'] !== 'object') return no(`the default export is of type ${show(told['is'])}, expected ${EXPECTED}`);

  const { name, apiVersion, events, options } = told;
  const types = isRecord(told['types']) ? told['types'] : {};
  if (types['plan'] === undefined) return no(`the policy has no plan(view), expected ${EXPECTED}`);
  if (apiVersion !== 1) return no(`"apiVersion" must be 1, got ${show(apiVersion)}: this turnout knows version 1`);
  if (typeof name !== 'string' || !NAME.test(name)) {
    return no(`"name" must be 1 to 64 letters, digits, dots, dashes or underscores, got ${show(name)}`);
  }
  for (const hook of HOOKS) {
    const type = types[hook];
    if (type !== undefined && type !== 'function') return no(`"${hook}" must be a function, got ${show(type)}`);
  }
  const unknown = Object.keys(types).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return no(`unknown field "${unknown}"; ${meant(unknown)}`);

  const has = (hook: string) => types[hook] === 'function';
  const wanted = readEvents(events, has('evolve'));
  if (typeof wanted === 'string') return no(wanted);
  if (has('initial') && !has('evolve'))
    return no('"initial" gives the memory that "evolve" changes, but there is no evolve');
  const schema: OptionsSchema | string = readSchema(options);
  if (typeof schema === 'string') return no(schema);
  const hooks = { rank: has('rank'), idle: has('idle'), initial: has('initial'), evolve: has('evolve') };
  return { ok: true, shape: { name, apiVersion, hooks, events: wanted, optionsSchema: schema } };
}

function readEvents(events: unknown, evolves: boolean): string[] | string {
  if (!evolves) return events === undefined ? [] : '"events" names what evolve wants, but there is no evolve';
  if (!Array.isArray(events)) {
    return `"events" must list the types of events that evolve wants, such as ['swap.finished'], got ${kindOf(events)}`;
  }
  if (events.length === 0) return '"events" must name at least one type of event, or evolve is never called';
  if (events.length > BOUNDS.policyIdsMax)
    return `"events" names ${events.length} types, at most ${BOUNDS.policyIdsMax}`;
  for (const type of events) {
    if (typeof type !== 'string') return `"events" must hold types of events, got ${show(type)}`;
    if (Object.hasOwn(VERSION, type)) continue;
    return `"events" names ${show(type)}, which is no event${hint(type, Object.keys(VERSION)) || '; docs/events.md has them all'}`;
  }
  return [...new Set<string>(events)];
}

function meant(field: string): string {
  const near = nearest(field, FIELDS);
  return near === null ? `a policy has ${FIELDS.join(', ')}` : `did you mean "${near}"?`;
}
