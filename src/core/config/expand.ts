/**
 * Macros in a whole configuration: globals in every known section, each model with its own list, then `${PORT}`. What
 * is left over is an error that names it (spec 2.3). Map keys are never expanded, but those of `filters.setParamsByID`.
 */
import type { Budget } from './budget.ts';
import { expandFilters, expandNode } from './expand-node.ts';
import { leftovers } from './leftovers.ts';
import { type MacroList, macroList, macrosOfModel, readMacros } from './macros.ts';
import { givePorts } from './ports.ts';
import type { Report } from './report.ts';
import { childOf, type MapEntry, type MapNode, mapNode, scalarNode, type TreeNode } from './tree.ts';

/** Declarations and models have their own rules; everything else is expanded with the globals. */
const NOT_GLOBAL = new Set(['macros', 'models']);

export interface Expanded {
  root: MapNode;
  /** Port of each model that uses `${PORT}` in its `cmd`. */
  ports: Map<string, number>;
  /** Values of macros that have a name, for those who look for secrets. */
  macros: [string, string][];
}

/** `known` are the top-level keys; unknown ones are neither expanded nor checked. */
export function expandConfig(root: MapNode, known: ReadonlySet<string>, budget: Budget, report: Report): Expanded {
  const globals = readMacros(root.entries.get('macros')?.value, '', budget, report);
  const list = macroList(globals);
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of root.entries) {
    const plain = NOT_GLOBAL.has(key) || !known.has(key);
    entries.set(key, plain ? entry : { ...entry, value: expandNode(entry.value, list, budget) });
  }
  const used: [string, string][] = [...globals].map(([name, value]) => [name, String(value)]);
  const models = root.entries.get('models');
  const ports = new Map<string, number>();
  if (models?.value.kind === 'map') {
    const expanded = new Map<string, MapEntry>();
    const declared = new Map<string, MacroList>();
    for (const [id, entry] of models.value.entries) {
      const own = readMacros(childOf(entry.value, 'macros'), `model ${id}: `, budget, report);
      for (const [name, value] of own) used.push([name, String(value)]);
      const macros = macrosOfModel(id, list, own);
      declared.set(id, macros);
      expanded.set(id, { ...entry, value: expandModel(id, entry.value, macros, budget, report) });
    }
    const withPorts = givePorts(expanded, entries.get('startPort')?.value, ports, budget, report);
    entries.set('models', { ...models, value: mapNode(withPorts, models.value.at) });
    // a tree that was not expanded to its end may be of any size
    if (budget.exceeded !== null) return { root, ports, macros: used };
    for (const [id, { value }] of withPorts) {
      leftovers(value, ['models', id], { macros: declared.get(id) ?? list, hasPort: ports.has(id) }, report);
    }
  }
  if (budget.exceeded !== null) return { root, ports, macros: used };
  for (const [key, { value }] of entries) {
    if (!NOT_GLOBAL.has(key) && known.has(key)) leftovers(value, [key], { macros: list, hasPort: false }, report);
  }
  return { root: mapNode(entries, root.at), ports, macros: used };
}

function expandModel(id: string, node: TreeNode, macros: MacroList, budget: Budget, report: Report): TreeNode {
  if (node.kind !== 'map') return node;
  const entries = new Map<string, MapEntry>();
  for (const [key, entry] of node.entries) {
    const { value } = entry;
    if (key === 'macros') entries.set(key, entry);
    else if (key === 'cmd' || key === 'cmdStop') {
      entries.set(key, { ...entry, value: expandNode(withoutComments(value), macros, budget) });
    } else if (key === 'filters') {
      entries.set(key, {
        ...entry,
        value: expandFilters(id, expandNode(value, macros, budget), macros, budget, report),
      });
    } else entries.set(key, { ...entry, value: expandNode(value, macros, budget) });
  }
  return mapNode(entries, node.at);
}

/** Whole-line comments go before macros are looked at, so that one in a comment cannot fail (spec 2.3, 5.2). */
function withoutComments(node: TreeNode): TreeNode {
  if (node.kind !== 'scalar' || typeof node.value !== 'string' || !node.value.includes('#')) return node;
  const kept = node.value.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const text = kept.join('\n');
  return scalarNode(text, text, node.plain, node.at);
}
