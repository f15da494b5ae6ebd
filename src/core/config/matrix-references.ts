/**
 * Sets of a matrix that name each other (spec 2.7): each must be there, none may lead back to itself, and together they may
 * not be nested deeper than whoever follows them can. Never follows them itself: a chain may be as long as the file.
 */
import { LIMITS } from '../limits.ts';
import type { MatrixConfig } from './config.ts';
import { type Expression, leavesOf } from './matrix-expression.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import type { Place } from './source.ts';
import { keyPlaceAt, nodeAt, type Path, type TreeNode } from './tree.ts';

type Sets = MatrixConfig['sets'];
type Leaf = ReturnType<typeof leavesOf>[number];

/** `path` is that of the sets, `placeOf` where a name stands in its set. */
export function checkReferences(
  sets: Sets,
  path: Path,
  root: TreeNode,
  placeOf: (set: Sets[number], leaf: Leaf) => Place,
  report: Report,
): void {
  const node = nodeAt(root, path);
  const defined = new Set(node?.kind === 'map' ? node.entries.keys() : []);
  const references = new Map<string, string[]>();
  for (const set of sets) {
    const leaves = leavesOf(set.expression).filter((leaf) => leaf.kind === 'set');
    references.set(
      set.name,
      leaves.map((leaf) => leaf.name),
    );
    for (const leaf of leaves) {
      if (defined.has(leaf.name)) continue;
      const message = `matrix: set "${set.name}" references undefined set "${leaf.name}"`;
      report.error('matrix', placeOf(set, leaf), message, () => didYouMean(leaf.name, defined));
    }
  }
  const { order, circular } = sorted(references);
  if (circular !== null) {
    const message = `matrix: circular reference detected involving set "${circular}"`;
    report.error('matrix', keyPlaceAt(root, [...path, circular]), message);
    return;
  }
  const deep = firstDeep(sets, order);
  if (deep === null) return;
  const message = `matrix: set "${deep}" is nested deeper than ${LIMITS.configMatrixLevelsMax} levels with the sets that it references`;
  report.error('matrix', keyPlaceAt(root, [...path, deep]), message);
}

/** Each set behind those that it references, or a name that leads back to itself. */
function sorted(references: Map<string, string[]>): { order: string[]; circular: string | null } {
  const users = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [name, used] of references) {
    const known = used.filter((other) => references.has(other));
    open.set(name, known.length);
    for (const other of known) {
      const list = users.get(other);
      if (list === undefined) users.set(other, [name]);
      else list.push(name);
    }
  }
  const order: string[] = [];
  const ready = [...open].filter(([, count]) => count === 0).map(([name]) => name);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    open.delete(name);
    order.push(name);
    for (const user of users.get(name) ?? []) {
      const left = (open.get(user) ?? 0) - 1;
      open.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  // of what is left some only use a circle: go on until a name comes again
  let [name] = open.keys();
  for (const seen = new Set<string>(); name !== undefined && !seen.has(name); ) {
    seen.add(name);
    name = references.get(name)?.find((other) => open.has(other));
  }
  return { order, circular: name ?? null };
}

/** The first set in the file that is nested too deep; `order` has each behind those that it references. */
function firstDeep(sets: Sets, order: string[]): string | null {
  const expressions = new Map(sets.map((set) => [set.name, set.expression]));
  const levels = new Map<string, number>();
  const levelsOf = (expression: Expression): number => {
    if (expression.kind === 'name') return 1;
    if (expression.kind === 'set') return 1 + (levels.get(expression.name) ?? 0);
    return 1 + expression.parts.reduce((most, part) => Math.max(most, levelsOf(part)), 0);
  };
  for (const name of order) {
    const expression = expressions.get(name);
    if (expression !== undefined) levels.set(name, levelsOf(expression));
  }
  return sets.find(({ name }) => (levels.get(name) ?? 0) > LIMITS.configMatrixLevelsMax)?.name ?? null;
}
