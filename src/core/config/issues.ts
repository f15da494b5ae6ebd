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
    const node = nodeAt(root, path);
    // a macro that nobody declared was told already
    if (node?.kind === 'scalar' && /\$\{[a-zA-Z0-9_-]+\}/.test(node.text)) continue;
    const value = describe(node);
    const at = placeAt(root, path);
    // the package's own sentence; the schema's say more
    if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')) {
      const expected = EXPECTED[issue.expected] ?? issue.expected;
      report.error('wrong-type', at, `${pathText(path)}: expected ${expected}, got ${value}`);
      continue;
    }
    // in a message that names the model, the path is the one inside the model
    const inModel = path[0] === 'models' && issue.message.includes('{model}');
    const shown = inModel ? path.slice(2) : path;
    const words: Record<string, string> = {
      '{model}': String(path[1] ?? ''),
      '{path}': pathText(shown),
      '{list}': pathText(typeof shown.at(-1) === 'number' ? shown.slice(0, -1) : shown),
      '{key}': String(shown.at(-1) ?? ''),
      '{value}': value,
    };
    const message = issue.message.replace(/\{(?:model|path|list|key|value)\}/g, (word) => words[word] ?? word);
    report.error('invalid-value', at, message);
  }
}

/**
 * A choice between text and a mapping (or a list) has one sentence for both. Where a mapping was written, what is wrong
 * inside it says more.
 */
export function plainIssues(issues: z.core.$ZodIssue[], root: TreeNode): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [issue];
    const node = nodeAt(
      root,
      issue.path.map((step) => (typeof step === 'number' ? step : String(step))),
    );
    const inside = issue.errors.filter((errors) => errors.every(({ path }) => path.length > 0));
    const [only] = inside;
    if (node === undefined || node.kind === 'scalar' || only === undefined || inside.length > 1) return [issue];
    const whole = only.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
    return plainIssues(whole, root);
  });
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
