/**
 * Keys that are read and checked, but whose feature does not exist yet: a warning where leaving it out changes what the
 * user gets. A feature that comes takes its line out of this table. Must never refuse anything.
 */
import type { Report } from './report.ts';
import { type MapEntry, type Path, pathText, type TreeNode } from './tree.ts';

/** `*` stands for any key. `only`: the one value that is worth a warning. */
const UNSUPPORTED: { path: string; only?: true }[] = [
  { path: 'models.*.filters' },
  { path: 'models.*.sendLoadingState', only: true },
  { path: 'sendLoadingState', only: true },
  { path: 'includeAliasesInList', only: true },
  { path: 'store' },
  { path: 'profiles' },
  { path: 'selectors' },
  { path: 'peers' },
];

export function reportUnsupported(root: TreeNode, report: Report): void {
  for (const { path, only } of UNSUPPORTED) {
    for (const { at, entry } of entriesAt(root, path.split('.'), [])) {
      const { value } = entry;
      if (isEmpty(value) || (only !== undefined && !isTrue(value))) continue;
      report.warning('not-supported', entry.at, `${pathText(at)} is not supported yet`, 'it is ignored');
    }
  }
}

function entriesAt(node: TreeNode, steps: string[], done: Path): { at: Path; entry: MapEntry }[] {
  const [step, ...rest] = steps;
  if (node.kind !== 'map' || step === undefined) return [];
  const found = step === '*' ? [...node.entries] : [...node.entries].filter(([key]) => key === step);
  return found.flatMap(([key, entry]) => {
    const at = [...done, key];
    return rest.length === 0 ? [{ at, entry }] : entriesAt(entry.value, rest, at);
  });
}

function isEmpty(node: TreeNode): boolean {
  if (node.kind === 'map') return node.entries.size === 0;
  return node.kind === 'scalar' && node.value === null;
}

/** The words of YAML 1.1 count, as in decode.ts. */
function isTrue(node: TreeNode): boolean {
  return node.kind === 'scalar' && (node.value === true || (node.plain && /^(?:y|yes|on)$/i.test(node.text)));
}
