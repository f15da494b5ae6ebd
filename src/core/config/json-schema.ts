/**
 * The JSON Schema (2020-12) of the configuration, for editors: made from the one schema, with macros allowed where they
 * are. Says less than the loader: what spans several keys is only checked there.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

const MACRO = { type: 'string', pattern: '\\$\\{[^}]+\\}' } as const;

/** Types that a text with a macro can stand for. */
const TYPED = new Set(['integer', 'number', 'boolean']);

export interface JsonSchemaOptions {
  /** `false` leaves out that a macro may stand where a number or a truth value is wanted. Default: true. */
  macros?: boolean;
}

/** A new object at each call. */
export function configJsonSchema({ macros = true }: JsonSchemaOptions = {}): JsonSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-2020-12',
    reused: 'inline',
    unrepresentable: 'any',
    override: ({ jsonSchema, path }) => tidy(jsonSchema, path.length === 0, macros),
  });
  return { ...schema, title: 'Configuration of turnout' };
}

function tidy(schema: JsonSchema, isRoot: boolean, macros: boolean): void {
  // bounds of whole numbers in JavaScript, which say nothing to the reader
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (isEmptyObject(schema.default)) delete schema.default;
  delete schema.propertyNames; // every key is text
  // an object that may be left out is not required to have anything of its own
  if (schema.properties !== undefined && !isRoot) schema.additionalProperties = false;
  if (macros && (TYPED.has(String(schema.type)) || isChoice(schema))) allowMacro(schema);
}

/** A choice of words, of which a macro may stand for one. */
function isChoice(schema: JsonSchema): boolean {
  return Array.isArray(schema.enum);
}

/** Moves what is asked of the value into one of two alternatives; what describes it stays outside. */
function allowMacro(schema: JsonSchema): void {
  const { description, default: byDefault, examples, title, ...value } = schema;
  for (const key of Object.keys(value)) delete schema[key];
  schema.anyOf = [value, MACRO];
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
