/**
 * Several configuration files as one (spec 2.1): maps of named things are united and a name may come from one file only,
 * other maps are merged, lists are joined, single values must agree.
 * Pure over trees; never changes its arguments.
 */
import type { Report } from './report.ts';
import { spotOf } from './source.ts';
import { listNode, type MapEntry, type MapNode, mapNode, type Path, pathText, type TreeNode } from './tree.ts';

/** Maps whose keys name things: the same name in two files is a mistake, not a wish to merge. */
const NAMED = new Set([
  'models',
  'groups',
  'profiles',
  'selectors',
  'peers',
  'matrix',
  'routing.router.settings.groups',
  'routing.router.settings.matrix',
]);

/** `null` for no sources. The order of the sources is the order of keys and lists. */
export function mergeSources(sources: MapNode[], report: Report): MapNode | null {
  const [first, ...others] = sources;
  if (first === undefined) return null;
  return others.reduce((merged, next) => mergeMaps(merged, next, [], report), first);
}

function mergeMaps(left: MapNode, right: MapNode, path: Path, report: Report): MapNode {
  const named = NAMED.has(pathText(path));
  const entries = new Map(left.entries);
  for (const [key, entry] of right.entries) {
    const first = entries.get(key);
    if (first === undefined) {
      entries.set(key, entry);
    } else if (named) {
      const message = `duplicate ${pathText(path)} "${key}" found in ${entry.at.source.file} (already defined in another config source)`;
      report.error('duplicate-key', entry.at, message, `first defined in ${whereIs(first)}`);
    } else {
      entries.set(key, mergeEntries(first, entry, [...path, key], report));
    }
  }
  return mapNode(entries, left.at);
}

function mergeEntries(left: MapEntry, right: MapEntry, path: Path, report: Report): MapEntry {
  const a = left.value;
  const b = right.value;
  if (isEmpty(b)) return left;
  if (isEmpty(a)) return right;
  if (a.kind === 'map' && b.kind === 'map') return { ...left, value: mergeMaps(a, b, path, report) };
  if (a.kind === 'list' && b.kind === 'list') return { ...left, value: listNode([...a.items, ...b.items], a.at) };
  if (a.kind === 'scalar' && b.kind === 'scalar' && a.value === b.value) return left;
  const why =
    a.kind === b.kind
      ? 'two sources give different values'
      : `incompatible YAML node kinds, ${KIND[a.kind]} and ${KIND[b.kind]}`;
  report.error('conflict', right.at, `conflict at "${pathText(path)}": ${why}`, `first defined in ${whereIs(left)}`);
  return left;
}

const KIND = { scalar: 'a single value', list: 'a list', map: 'a mapping' };

/** `key:` with nothing behind it yields to the other source; a written `null` does not. */
function isEmpty(node: TreeNode): boolean {
  return node.kind === 'scalar' && node.value === null && node.text === '';
}

function whereIs(entry: MapEntry): string {
  return `${entry.at.source.file}, line ${spotOf(entry.at).line}`;
}
