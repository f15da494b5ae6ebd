/**
 * YAML nodes to the tree of tree.ts: aliases become shared nodes, merge keys (`<<`) are resolved, keys become text.
 * Finds what YAML forbids but its parser is not asked for: duplicate keys, aliases without an anchor or inside their own
 * anchor. Each value is made once, however often it is used.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { LIMITS } from '../limits.ts';
import { type Budget, spend } from './budget.ts';
import type { Substituted } from './env.ts';
import type { Report } from './report.ts';
import { type Place, type SourceText, spotOf } from './source.ts';
import { listNode, type MapEntry, type MapNode, mapNode, scalarNode, type TreeNode } from './tree.ts';
import { numberOf } from './yaml-number.ts';

/** Keys that would reach into the prototype of a plain object somewhere down the line. */
const RESERVED_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

interface Reading {
  source: SourceText;
  origin: Substituted['origin'];
  budget: Budget;
  report: Report;
  /** The latest value of each anchor; null while that value is still being read. */
  anchors: Map<string, TreeNode | null>;
}

export function treeOfYaml(
  root: Node,
  source: SourceText,
  substituted: Substituted,
  budget: Budget,
  report: Report,
): TreeNode {
  return read(root, { source, origin: substituted.origin, budget, report, anchors: new Map() });
}

function read(node: Node | null, reading: Reading): TreeNode {
  const at = placeOf(node, reading);
  if (node === null || !spend(reading.budget, 'nodes', 1)) return scalarNode(null, '', true, at);
  if (isAlias(node)) return readAlias(node, at, reading);
  const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
  if (anchor !== undefined) reading.anchors.set(anchor, null);
  const result = limitHeight(readValue(node, at, reading), reading);
  if (anchor !== undefined) reading.anchors.set(anchor, result);
  return result;
}

function readValue(node: Node, at: Place, reading: Reading): TreeNode {
  if (isMap(node)) return readMap(node, at, reading);
  if (isSeq(node)) return readList(node, at, reading);
  return isScalar(node) ? readScalar(node, at) : scalarNode(null, '', true, at);
}

function readScalar(node: Scalar, at: Place): TreeNode {
  const text = node.source ?? '';
  const plain = node.type === 'PLAIN';
  const { value } = node;
  // a tag decides by itself, so that `!!str 017` stays text
  if (plain && node.tag === undefined) {
    const number = numberOf(text);
    if (number !== null) return scalarNode(number, text, plain, at);
  }
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return scalarNode(value, text, plain, at);
  }
  return scalarNode(text, text, plain, at);
}

function readList(node: YAMLSeq, at: Place, reading: Reading): TreeNode {
  return listNode(
    node.items.map((item) => read(item as Node | null, reading)),
    at,
  );
}

function readAlias(node: Alias, at: Place, reading: Reading): TreeNode {
  const target = reading.anchors.get(node.source);
  if (target) return target;
  const problem = target === null ? 'stands inside its own anchor' : 'has no anchor before it';
  reading.report.cause('yaml-syntax', at, `invalid YAML: the alias "*${node.source}" ${problem}`);
  return scalarNode(null, '', true, at);
}

function readMap(node: YAMLMap, at: Place, reading: Reading): MapNode {
  const own = new Map<string, MapEntry>();
  const merged: { before: number; maps: MapNode[] }[] = [];
  for (const pair of node.items) {
    const keyNode = pair.key as Node | null;
    const keyAt = placeOf(keyNode, reading);
    const key = keyOf(keyNode, keyAt, reading);
    const known = reading.anchors.size;
    const value = read(pair.value as Node | null, reading);
    if (key === null) continue;
    if (key === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
      merged.push({ before: own.size, maps: mapsToMerge(value, keyAt, reading) });
      continue;
    }
    const first = own.get(key);
    if (first !== undefined) {
      const help = `first used in line ${spotOf(first.at).line}`;
      reading.report.error('duplicate-key', keyAt, `duplicate key "${key}"`, help);
      continue;
    }
    own.set(key, { at: keyAt, value, anchored: reading.anchors.size > known });
  }
  return mapNode(merged.length === 0 ? own : withMerged(own, merged, reading), at);
}

/** Own keys win over merged ones, earlier merged maps over later ones; merged keys stand where the `<<` stood. */
function withMerged(
  own: Map<string, MapEntry>,
  merged: { before: number; maps: MapNode[] }[],
  reading: Reading,
): Map<string, MapEntry> {
  const entries = new Map<string, MapEntry>();
  const takeUpTo = (index: number): void => {
    for (const { before, maps } of merged) {
      if (before !== index) continue;
      for (const [key, entry] of maps.flatMap((map) => [...map.entries])) {
        if (!spend(reading.budget, 'nodes', 1)) return;
        if (!own.has(key) && !entries.has(key)) entries.set(key, entry);
      }
    }
  };
  let index = 0;
  for (const [key, entry] of own) {
    takeUpTo(index);
    entries.set(key, entry);
    index += 1;
  }
  takeUpTo(index);
  return entries;
}

function mapsToMerge(value: TreeNode, at: Place, reading: Reading): MapNode[] {
  const maps = value.kind === 'list' ? value.items : [value];
  const found = maps.filter((map) => map.kind === 'map');
  if (found.length !== maps.length) {
    reading.report.error('yaml-syntax', at, 'invalid YAML: the merge key "<<" takes a mapping or a list of mappings');
  }
  return found;
}

/** Null for a key that cannot be used, which is reported. */
function keyOf(node: Node | null, at: Place, reading: Reading): string | null {
  const key = node === null ? scalarNode(null, '', true, at) : read(node, reading);
  if (key.kind !== 'scalar') {
    reading.report.error('yaml-syntax', at, 'invalid YAML: a key must be plain text, not a mapping or a list');
    return null;
  }
  if (!RESERVED_KEYS.has(key.text)) return key.text;
  reading.report.error('reserved-key', at, `the key "${key.text}" cannot be used`);
  return null;
}

/** Aliases can nest deeper than the text does. */
function limitHeight(node: TreeNode, reading: Reading): TreeNode {
  if (node.height <= LIMITS.configDepthMax) return node;
  reading.report.error('too-deep', node.at, `nested deeper than ${LIMITS.configDepthMax} levels`);
  return scalarNode(null, '', true, node.at);
}

function placeOf(node: Node | null, reading: Reading): Place {
  const [from, to] = node?.range ?? [0, 0];
  const start = reading.origin(from, 'start');
  return { source: reading.source, start, end: Math.max(reading.origin(to, 'end'), start) };
}
