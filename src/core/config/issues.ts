/**
 * What the schema found, as diagnostics: at the place in the text, in turnout's words.
 */
import type { z } from 'zod';
import type { Report } from './report.ts';
import { nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';

const EXPECTED: Record<string, string> = {
  string: 'text',
  // every number of the schema is whole; where parts count the schema has its own message
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

export function reportIssues(issues: z.core.$ZodIssue[], root: TreeNode, report: Report): void {
  for (const issue of issues) {
    const path: Path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const value = describe(nodeAt(root, path));
    const at = placeAt(root, path);
    if (issue.code === 'invalid_type') {
      const expected = EXPECTED[issue.expected] ?? issue.expected;
      report.error('wrong-type', at, `${pathText(path)}: expected ${expected}, got ${value}`);
      continue;
    }
    // in a message that names the model, the path is the one inside the model
    const inModel = path[0] === 'models' && issue.message.includes('{model}');
    const words: Record<string, string> = {
      '{model}': String(path[1] ?? ''),
      '{path}': pathText(inModel ? path.slice(2) : path),
      '{value}': value,
    };
    const message = issue.message.replace(/\{(?:model|path|value)\}/g, (word) => words[word] ?? word);
    report.error('invalid-value', at, message);
  }
}

const VALUE_CHARS_MAX = 60;

/** A value for people: numbers as they are, text in quotes. */
export function describe(node: TreeNode | undefined): string {
  if (node === undefined) return 'nothing';
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  const text = node.text.length > VALUE_CHARS_MAX ? `${node.text.slice(0, VALUE_CHARS_MAX)}…` : node.text;
  return typeof node.value === 'string' ? JSON.stringify(text) : text;
}
