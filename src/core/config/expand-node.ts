/**
 * Applies a list of macros to one tree. Copies only what has something to replace. Map keys are never expanded, but for
 * those of `filters.setParamsByID`.
 */
import { type Budget, spend } from './budget.ts';
import { applyMacros, type MacroList } from './macros.ts';
import type { Report } from './report.ts';
import { type MapEntry, scalarNode, type TreeNode } from './tree.ts';

/** The tree with every macro of the list replaced in its values. */
export function expandNode(node: TreeNode, macros: MacroList, budget: Budget): TreeNode {
  if (!node.dynamic || !spend(budget, 'nodes', 1)) return node;
  switch (node.kind) {
    case 'scalar': {
      if (typeof node.value !== 'string') return node;
      const value = applyMacros(node.value, macros, budget);
      return scalarNode(value, String(value), node.plain, node.at);
    }
    case 'list':
      return { ...node, items: node.items.map((item) => expandNode(item, macros, budget)) };
    case 'map': {
      const entries = new Map<string, MapEntry>();
      for (const [key, entry] of node.entries) {
        entries.set(key, { ...entry, value: expandNode(entry.value, macros, budget) });
      }
      return { ...node, entries };
    }
  }
}

/** The one place where keys are expanded: they are names of the model (spec 2.4). */
export function expandFilters(
  id: string,
  filters: TreeNode,
  macros: MacroList,
  budget: Budget,
  report: Report,
): TreeNode {
  const entry = filters.kind === 'map' ? filters.entries.get('setParamsByID') : undefined;
  if (filters.kind !== 'map' || entry === undefined || entry.value.kind !== 'map') return filters;
  const renamed = new Map<string, MapEntry>();
  const origin = new Map<string, string>();
  for (const [key, item] of entry.value.entries) {
    const name = key.includes('${') ? String(applyMacros(key, macros, budget)) : key;
    const first = origin.get(name);
    if (first !== undefined) {
      const where = `model ${id}: filters.setParamsByID`;
      report.error(
        'duplicate-key',
        item.at,
        `${where}: keys "${first}" and "${key}" resolve to the same value "${name}"`,
      );
    }
    origin.set(name, key);
    renamed.set(name, item);
  }
  const entries = new Map(filters.entries);
  entries.set('setParamsByID', { ...entry, value: { ...entry.value, entries: renamed } });
  return { ...filters, entries };
}
