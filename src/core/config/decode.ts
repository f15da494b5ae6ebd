/**
 * Brings a tree into the form that the schema asks for, the way llama-swap's typed decoding does: a number where text is
 * wanted becomes the text that was written, `yes` becomes true, an empty value counts as absent. Finds unknown keys and
 * those without effect. Whether values are right is the schema's question, not asked here.
 */
import type { z } from 'zod';
import { type Budget, spend } from './budget.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import { noEffect } from './schema-parts.ts';
import { isNull, type MapEntry, type MapNode, type Path, pathText, type ScalarNode, type TreeNode } from './tree.ts';

type Def = z.core.$ZodTypes['_zod']['def'];

/** A plain value for `schema.safeParse`. */
export function decode(node: TreeNode, schema: z.core.$ZodType, path: Path, budget: Budget, report: Report): unknown {
  if (!spend(budget, 'nodes', 1)) return undefined;
  const { _zod } = schema as z.core.$ZodTypes;
  const def: Def = _zod.def;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return decode(node, def.innerType, path, budget, report);
    case 'nullable':
      return isNull(node) ? null : decode(node, def.innerType, path, budget, report);
    case 'object':
      if (isNull(node)) return {};
      return node.kind === 'map' ? decodeObject(node, def, path, budget, report) : generic(node, budget);
    case 'record':
      if (isNull(node)) return {};
      if (node.kind !== 'map') return generic(node, budget);
      return plainObject(node, (value, key) => decode(value, def.valueType, [...path, key], budget, report));
    case 'array':
      if (node.kind !== 'list') return generic(node, budget);
      return node.items.map((item, i) => decode(item, def.element, [...path, i], budget, report));
    case 'string':
    case 'enum':
      if (isNull(node)) return '';
      return node.kind === 'scalar' ? node.text : generic(node, budget);
    case 'union': {
      const option = optionFor(node, def.options);
      return option === null ? generic(node, budget) : decode(node, option, path, budget, report);
    }
    case 'boolean':
      return node.kind === 'scalar' ? truth(node) : generic(node, budget);
    case 'number':
      return node.kind === 'scalar' ? whole(node, path, report) : generic(node, budget);
    default:
      return generic(node, budget);
  }
}

const SCALARS = new Set<Def['type']>(['string', 'enum', 'number', 'boolean']);

/** The one of several forms that has the kind of what is written; null where more than one has. */
function optionFor(node: TreeNode, options: readonly z.core.$ZodType[]): z.core.$ZodType | null {
  const fitting = options.filter((option) => {
    const { type } = (option as z.core.$ZodTypes)._zod.def;
    if (node.kind === 'scalar') return SCALARS.has(type);
    return node.kind === 'list' ? type === 'array' : type === 'object' || type === 'record';
  });
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

function decodeObject(
  node: MapNode,
  def: Extract<Def, { type: 'object' }>,
  path: Path,
  budget: Budget,
  report: Report,
): unknown {
  const known = new Set(Object.keys(def.shape));
  const result: Record<string, unknown> = {};
  for (const [key, entry] of node.entries) {
    const schema = known.has(key) ? def.shape[key] : undefined;
    if (schema === undefined) {
      reportUnknown(key, entry, path, known, report);
      continue;
    }
    const ignored = noEffect.get(schema);
    if (ignored !== undefined) {
      report.warning('no-effect', entry.at, `${pathText([...path, key])} has no effect`, ignored.instead);
    } else if (!isNull(entry.value)) {
      result[key] = decode(entry.value, schema, [...path, key], budget, report);
    }
  }
  return result;
}

function reportUnknown(key: string, entry: MapEntry, path: Path, known: Set<string>, report: Report): void {
  // a place for anchors at the top level is a custom of its own (spec 2)
  if (path.length === 0 && (entry.anchored || key.startsWith('x-'))) return;
  const where = path.length === 0 ? '' : ` in ${pathText(path)}`;
  report.warning('unknown-key', entry.at, `unknown key "${key}"${where}`, () => didYouMean(key, known));
}

function plainObject(node: MapNode, decoded: (value: TreeNode, key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, decoded(value, key)]));
}

/** The value as YAML has it. */
function generic(node: TreeNode, budget: Budget): unknown {
  if (!spend(budget, 'nodes', 1)) return undefined;
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map((item) => generic(item, budget));
    case 'map':
      return plainObject(node, (value) => generic(value, budget));
  }
}

/** llama-swap cuts off what stands behind the point; what is turnout's own has no such past. */
function whole(node: ScalarNode, path: Path, report: Report): unknown {
  const { value } = node;
  if (typeof value !== 'number' || !Number.isFinite(value) || Number.isInteger(value)) return value;
  if (path[0] === 'turnout' || (path[0] === 'models' && path[2] === 'turnout')) return value;
  const number = Math.trunc(value);
  report.warning('cut-off', node.at, `${pathText(path)}: expected a whole number, got ${node.text}; ${number} is used`);
  return number;
}

/** The words of YAML 1.1 count where a truth value is wanted, as in llama-swap's YAML package. */
function truth(node: ScalarNode): unknown {
  if (typeof node.value !== 'string' || !node.plain) return node.value;
  if (/^(?:y|yes|on)$/i.test(node.value)) return true;
  return /^(?:n|no|off)$/i.test(node.value) ? false : node.value;
}
