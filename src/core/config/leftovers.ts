/**
 * Every `${word}` that is still there after expansion is an error which names it (spec 2.3), because it would reach a
 * command line as it stands.
 */
import type { MacroList } from './macros.ts';
import { didYouMean } from './nearest.ts';
import { PORT } from './ports.ts';
import type { Report } from './report.ts';
import { placeOfWords } from './source.ts';
import { type Path, pathText, type ScalarNode, scalarNode, type TreeNode } from './tree.ts';

const REFERENCE = /\$\{((?:env\.)?[a-zA-Z0-9_-]+)\}/g;

/** What spec 2.3 takes for a variable; anything else is text to llama-swap. */
const ENV_NAME = /^env\.[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Fields of a model where llama-swap names the model and the field in its message. */
const NAMED_FIELDS = new Set([
  'cmd',
  'cmdStop',
  'proxy',
  'checkEndpoint',
  'name',
  'description',
  'filters.stripParams',
]);

export interface Scope {
  macros: MacroList;
  /** Whether the model was given a port. */
  hasPort: boolean;
}

export function leftovers(node: TreeNode, path: Path, scope: Scope, report: Report): void {
  if (!node.dynamic) return;
  switch (node.kind) {
    case 'scalar':
      if (typeof node.value === 'string') check(node.value, node, path, scope, report);
      return;
    case 'list':
      node.items.forEach((item, i) => {
        leftovers(item, [...path, i], scope, report);
      });
      return;
    case 'map':
      for (const [key, { at, value }] of node.entries) {
        // declarations are looked at where they are used
        if (path[0] === 'models' && path.length === 2 && key === 'macros') continue;
        if (hasDynamicKeys(path)) {
          check(key, scalarNode(key, key, true, at), path, scope, report);
        }
        leftovers(value, [...path, key], scope, report);
      }
  }
}

function hasDynamicKeys(path: Path): boolean {
  return path[0] === 'models' && path[2] === 'filters' && (path.length === 3 || path[3] === 'setParamsByID');
}

function check(text: string, node: ScalarNode, path: Path, scope: Scope, report: Report): void {
  const told = new Set<string>();
  for (const [reference, name = ''] of text.matchAll(REFERENCE)) {
    if (told.has(name) || allowed(name, path, scope)) continue;
    told.add(name);
    if (name.startsWith('env.') && !ENV_NAME.test(name)) {
      const text = `${pathText(path)}: "${reference}" is no environment variable, so it stays as it is`;
      report.warning('env', placeOfWords(node.at, reference), text, 'use letters, digits and "_", and no digit first');
      continue;
    }
    report.error('unknown-macro', placeOfWords(node.at, reference), message(reference, path), () =>
      help(name, scope.macros),
    );
  }
}

/** `${PID}` is replaced when the model is stopped, `${PORT}` in a launch field when it is started. */
function allowed(name: string, path: Path, scope: Scope): boolean {
  if (path[0] !== 'models') return false;
  if (name === 'PID') return path[2] === 'cmdStop' && path.length === 3;
  if (name !== 'PORT') return false;
  // without a port the model's proxy has its own message, and cmd cannot be without one
  return path[2] === 'proxy' || path[2] === 'cmd' || (scope.hasPort && (path[2] === 'cmdStop' || path[2] === 'env'));
}

function message(reference: string, path: Path): string {
  const [section, model, ...rest] = path;
  const field = pathText(rest);
  if (section !== 'models') return `${pathText(path)}: unknown macro '${reference}'`;
  if (NAMED_FIELDS.has(field)) return `unknown macro '${reference}' found in ${model}.${field}`;
  if (rest[0] === 'capabilities' || rest[0] === 'metadata') {
    return `model ${model} ${rest[0]}: unknown macro '${reference}'`;
  }
  return `${pathText(path)}: unknown macro '${reference}'`;
}

function help(name: string, macros: MacroList): string | null {
  if (name === 'PORT') return `${PORT} is only available in a model whose cmd uses it`;
  if (name === 'PID') return `\${PID} is only available in cmdStop`;
  if (name === 'MODEL_ID') return `\${MODEL_ID} is only available in models`;
  if (macros.rank(name) !== -1) return `macro "${name}" is declared after the macro that uses it`;
  return didYouMean(name, macros.names());
}
