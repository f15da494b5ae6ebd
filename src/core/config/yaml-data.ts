/**
 * YAML that is not a configuration: a text to plain data that remembers where everything stands, and data to text. Within
 * the bounds of configurations, so that a hostile file costs an error. Must never read a file.
 */
import { parseDocument, stringify, YAMLSeq } from 'yaml';
import { createBudget } from './budget.ts';
import type { Json } from './canonical.ts';
import type { Diagnostic } from './diagnostics.ts';
import { treeOfYaml } from './from-yaml.ts';
import { createReport } from './report.ts';
import { sourceText, spotOf } from './source.ts';
import { keyPlaceAt, type Path, placeAt, type TreeNode } from './tree.ts';
import { parseYaml } from './yaml-text.ts';

export interface YamlData {
  value: Json;
  /** A problem at the value of a path, or at its key. */
  problem(path: Path, message: string, at?: 'value' | 'key'): Diagnostic;
}

/** The first document of a text; null for an empty one. */
export function readYamlData(file: string, text: string): YamlData | { errors: Diagnostic[] } {
  const report = createReport();
  const budget = createBudget();
  const source = sourceText(file, text);
  const asIs = { text: source.text, origin: (offset: number) => offset, values: [] };
  const parsed = parseYaml(source, asIs, budget, report);
  const root = parsed === 'failed' || parsed === null ? null : treeOfYaml(parsed, source, asIs, budget, report);
  if (budget.exceeded !== null) report.fileError('too-large', file, 'it holds more values than turnout reads');
  if (parsed === 'failed' || report.hasErrors()) {
    return { errors: report.list('error', { sentence: (words) => words, source: (line) => line }) };
  }
  return {
    value: root === null ? null : dataOf(root),
    problem(path, message, at = 'value') {
      const blank = { line: 0, column: 0, length: 0, text: '' };
      const place = root === null ? null : at === 'key' ? keyPlaceAt(root, path) : placeAt(root, path);
      const { line, column, length, text: shown } = place === null ? blank : spotOf(place);
      return { severity: 'error', code: 'table', message, file, line, column, length, source: shown, help: null };
    },
  };
}

function dataOf(node: TreeNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(dataOf);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, dataOf(entry.value)]));
}

/** Data as YAML, texts of several lines as blocks. */
export function yamlOf(value: Json): string {
  return stringify(value, { lineWidth: 120, flowCollectionPadding: true });
}

/** The same text with one item more in the list under `key`, which is made when it is not there. Comments stay. */
export function withItem(text: string, key: string, item: Json): string {
  const document = parseDocument(text);
  if (!(document.get(key) instanceof YAMLSeq)) document.set(key, document.createNode([]));
  const list = document.get(key) as YAMLSeq;
  list.flow = false;
  list.add(document.createNode(item));
  return document.toString({ lineWidth: 120 });
}
