/**
 * docs/configuration.md from the schema of the configuration: every key with its type, default, meaning and an example.
 * The examples are whole configurations too, so that a test can load them.
 */
import { stringify } from 'yaml';
import { configJsonSchema, type JsonSchema } from '../src/core/config/json-schema.ts';

const INTRO = `# Configuration

turnout reads the \`config.yaml\` of llama-swap; what only turnout knows stands under \`turnout:\`, so that llama-swap still
reads the file. \`turnout check config.yaml\` says what is wrong with a file and what it means, \`turnout check --llama-swap\`
what llama-swap would make of it, and \`turnout schema\` prints a JSON Schema for editors:

\`\`\`yaml
# yaml-language-server: $schema=./turnout.schema.json
\`\`\`

- \`\${name}\` is a macro from \`macros\`, \`\${env.NAME}\` an environment variable, \`\${MODEL_ID}\` the id of the model, \`\${PORT}\`
  the port that turnout gives to a model whose \`cmd\` uses it, \`\${PID}\` the process in \`cmdStop\`. A macro may also stand
  where a number or a truth value is wanted.
- A duration is text such as \`90s\`, \`5m\` or \`1h30m\`, or a number of seconds; a size is text such as \`256MiB\`, or a number
  of bytes.
- Anchors (\`&name\`, \`*name\`, \`<<\`) work, also from a top-level key of your own such as \`x-shared\`.
- Keys that turnout cannot honour yet are named with a warning when the file is read.

This page is made from \`src/core/config/schema*.ts\` by \`npm run docs\`.
`;

type Schema = JsonSchema;

export interface Example {
  /** The key, with `<id>` for names that the user gives. */
  path: string;
  /** A whole configuration in which it stands. */
  text: string;
}

/** One step of a path: a key, or the name of an entry that the user gives. */
interface Step {
  key: string;
  given: boolean;
}

interface Key {
  steps: Step[];
  schema: Schema;
}

export function configurationPage(): string {
  return `${INTRO}\n${sectionsOf({ steps: [], schema: configJsonSchema({ macros: false }) }).join('\n')}`;
}

/** An example for each key, in the order of the page. */
export function configurationExamples(): Example[] {
  const root: Key = { steps: [], schema: configJsonSchema({ macros: false }) };
  return keysBelow(root).map((key) => ({ path: pathOf(key.steps), text: stringify(wholeConfig(root, key)) }));
}

function keysBelow(key: Key): Key[] {
  return childrenOf(key).flatMap((child) => [child, ...keysBelow(child)]);
}

/** The keys of an object; those of the entries of a map of objects are below the given name. */
function childrenOf({ steps, schema }: Key): Key[] {
  const { properties } = objectOf(schema);
  if (properties !== undefined) {
    return Object.entries(properties).map(([key, child]) => ({
      steps: [...steps, { key, given: false }],
      schema: child as Schema,
    }));
  }
  const entry = entryOf(schema);
  if (entry === null) return [];
  return childrenOf({ steps: [...steps, { key: sampleName(schema), given: true }], schema: entry });
}

/** The mapping among the forms that a value may have, else the schema itself. */
function objectOf(schema: Schema): Schema {
  const forms = (schema.anyOf ?? []) as Schema[];
  return forms.find((form) => form.properties !== undefined) ?? schema;
}

/** What the entries of a map are, where they have keys of their own. */
function entryOf({ additionalProperties }: Schema): Schema | null {
  if (typeof additionalProperties !== 'object') return null;
  return additionalProperties.properties === undefined ? null : additionalProperties;
}

function sampleName({ examples }: Schema): string {
  return Object.keys((examples?.[0] ?? {}) as object)[0] ?? 'name';
}

/** The example of a key, else one made of its parts. */
function exampleOf(key: Key): unknown {
  const { examples } = key.schema;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  return Object.fromEntries(childrenOf(key).map((child) => [child.steps.at(-1)?.key ?? '', exampleOf(child)]));
}

const NAMED_MODELS = ['qwen', 'llama', 'embed'];

/** The key in a configuration with the models that examples name. */
function wholeConfig(root: Key, { steps, schema }: Key): unknown {
  const models = NAMED_MODELS.map((id) => [id, { cmd: `llama-server --port \${PORT} -m /models/${id}.gguf` }]);
  const config: Record<string, unknown> = { models: Object.fromEntries(models) };
  let at = config;
  let parent = root;
  for (const [i, { key, given }] of steps.entries()) {
    if (i === steps.length - 1) at[key] = exampleOf({ steps, schema });
    else {
      const next = given ? entryStep(parent, key) : childStep(parent, key);
      at[key] ??= startOf(parent, next, key, given);
      at = at[key] as Record<string, unknown>;
      parent = next;
    }
  }
  return config;
}

/**
 * What surrounds a key: an entry begins as its map's example has it, the parts of a matrix name each other, and what an
 * object must have is there.
 */
function startOf(map: Key, next: Key, key: string, given: boolean): unknown {
  if (key === 'matrix') return exampleOf(next);
  if (!given) {
    const required = new Set(objectOf(next.schema).required);
    const needed = childrenOf(next).map((child): [string, Key] => [child.steps.at(-1)?.key ?? '', child]);
    return Object.fromEntries(
      needed.filter(([name]) => required.has(name)).map(([name, child]) => [name, exampleOf(child)]),
    );
  }
  return structuredClone((exampleOf(map) as Record<string, unknown>)[key] ?? {});
}

function childStep({ steps, schema }: Key, key: string): Key {
  return { steps: [...steps, { key, given: false }], schema: objectOf(schema).properties?.[key] as Schema };
}

function entryStep({ steps, schema }: Key, key: string): Key {
  return { steps: [...steps, { key, given: true }], schema: entryOf(schema) ?? {} };
}

/** A section for each object, its keys in a table and together in an example. */
function sectionsOf(key: Key): string[] {
  const children = childrenOf(key);
  const [first] = children;
  if (first === undefined) return [];
  const steps = first.steps.slice(0, -1);
  const title = steps.length === 0 ? 'Top level' : `\`${pathOf(steps)}\``;
  const description = (entryOf(key.schema) ?? objectOf(key.schema)).description ?? '';
  const rows = children.map(rowOf);
  const lines = [
    `## ${title}`,
    '',
    description,
    '',
    '| key | type | default | meaning | example |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ];
  if (steps.length > 0)
    lines.push('```yaml', stringify(nested(steps, children), { lineWidth: 0 }).trimEnd(), '```', '');
  return [lines.join('\n'), ...children.flatMap(sectionsOf)];
}

/** All keys of a section, at their place. */
function nested(steps: Step[], children: Key[]): unknown {
  const whole = Object.fromEntries(children.map((child) => [child.steps.at(-1)?.key ?? '', exampleOf(child)]));
  return steps.toReversed().reduce<unknown>((value, { key }) => ({ [key]: value }), whole);
}

function rowOf(key: Key): string {
  const { schema, steps } = key;
  const name = steps.at(-1)?.key ?? '';
  // a value of several forms has an example in its shortest one
  const hasSection = childrenOf(key).length > 0 && objectOf(schema) === schema;
  const example = hasSection ? 'see below' : code(`${name}: ${inline(exampleOf(key))}`);
  const byDefault = schema.default === undefined ? '' : code(inline(schema.default));
  const cells = [code(name), typeOf(schema), byDefault, schema.description ?? '', example];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
}

const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'nothing',
};

function typeOf(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  const types: unknown = schema.type;
  if (Array.isArray(types)) return types.map((type) => TYPES[String(type)] ?? 'anything').join(' or ');
  if (schema.enum !== undefined) return schema.enum.filter((word) => word !== '').join(', ');
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? {}) as Schema)}`;
  if (schema.type !== 'object') return TYPES[String(schema.type)] ?? 'anything';
  if (schema.properties !== undefined) return 'mapping';
  const { additionalProperties } = schema;
  if (typeof additionalProperties !== 'object') return 'mapping';
  return additionalProperties.properties === undefined ? `map of ${typeOf(additionalProperties)}` : 'mappings by name';
}

/** `models.<id>.timeouts`. */
function pathOf(steps: Step[]): string {
  return steps.map(({ key, given }) => (given ? '<id>' : key)).join('.');
}
