/**
 * A configuration as a tree of plain values that remember where they stand. Made from YAML with aliases shared and merge
 * keys resolved, so it may be a graph (never a cyclic one): walks that copy must count what they copy.
 * Nodes are never changed once made. Must never import a YAML package.
 */
import type { Place } from './source.ts';

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  kind: 'scalar';
  value: Scalar;
  /** As written, without quotes: a key such as 0123 is a number to YAML and still has to come out as "0123". */
  text: string;
  /** Not in quotes and not a block. */
  plain: boolean;
  /** Whether `${` occurs here or below, or may have before it was replaced. */
  dynamic: boolean;
  /** Levels from here down. */
  height: number;
  at: Place;
}

export interface ListNode {
  kind: 'list';
  items: TreeNode[];
  dynamic: boolean;
  height: number;
  at: Place;
}

export interface MapEntry {
  /** Place of the key. */
  at: Place;
  value: TreeNode;
  /** Whether an anchor stands in the value: then it serves other parts of the file. */
  anchored: boolean;
}

export interface MapNode {
  kind: 'map';
  /** In the order of the file. */
  entries: Map<string, MapEntry>;
  dynamic: boolean;
  height: number;
  at: Place;
}

export type TreeNode = ScalarNode | ListNode | MapNode;

export type Path = (string | number)[];

export function scalarNode(value: Scalar, text: string, plain: boolean, at: Place): ScalarNode {
  return { kind: 'scalar', value, text, plain, dynamic: text.includes('${'), height: 1, at };
}

export function listNode(items: TreeNode[], at: Place): ListNode {
  return { kind: 'list', items, ...sumOf(items), at };
}

export function mapNode(entries: Map<string, MapEntry>, at: Place): MapNode {
  const values = [...entries.values()].map((entry) => entry.value);
  const { dynamic, height } = sumOf(values);
  return {
    kind: 'map',
    entries,
    dynamic: dynamic || [...entries.keys()].some((key) => key.includes('${')),
    height,
    at,
  };
}

function sumOf(nodes: TreeNode[]): { dynamic: boolean; height: number } {
  let dynamic = false;
  let height = 0;
  for (const node of nodes) {
    dynamic ||= node.dynamic;
    height = Math.max(height, node.height);
  }
  return { dynamic, height: height + 1 };
}

/** `key:` with nothing behind it, `~` or `null`. */
export function isNull(node: TreeNode | undefined): boolean {
  return node?.kind === 'scalar' && node.value === null;
}

export function childOf(node: TreeNode | undefined, step: string | number): TreeNode | undefined {
  if (node?.kind === 'map') return node.entries.get(String(step))?.value;
  if (node?.kind === 'list' && typeof step === 'number') return node.items[step];
  return undefined;
}

export function nodeAt(root: TreeNode, path: Path): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const step of path) node = childOf(node, step);
  return node;
}

/** Place of the value at this path, or of the deepest thing on the way to it that exists. */
export function placeAt(root: TreeNode, path: Path): Place {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) break;
    // an empty value has no extent of its own: its key says where it is
    if (isNull(next) && node.kind === 'map') return node.entries.get(String(step))?.at ?? next.at;
    node = next;
  }
  return node.at;
}

/** Place of the key at this path, or what `placeAt` says where there is none. */
export function keyPlaceAt(root: TreeNode, path: Path): Place {
  const parent = nodeAt(root, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.at ?? placeAt(root, path);
}

/** `models.llama.env[0]`. */
export function pathText(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}
