/**
 * Whether an answer is what a test expects: whatever the test names must be so, the rest may be anything. Texts such as
 * `/idle/` are patterns; the order of ids does not count where it means nothing. Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import { plainValue } from './quantity.ts';
import { show, type TablePath } from './table.ts';

export interface Difference {
  /** Where in the answer, such as `evict` or `resolved.action`. */
  at: string;
  expected: string;
  got: string;
}

/** Lists in which only what is named counts, not where. */
const SETS = new Set(['evict', 'protect', 'prefer', 'requests', 'keep']);

export function differences(expected: Json, got: unknown, path: TablePath = []): Difference[] {
  const name = path.findLast((step) => typeof step === 'string') ?? '';
  const here = (): Difference[] => [{ at: textOf(path), expected: words(expected), got: show(got) }];
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length) return here();
    const [wanted, found] = SETS.has(String(name)) ? [sorted(expected), sorted(got)] : [expected, got];
    const inside = wanted.flatMap((one, n) => differences(one, found[n], [...path, n]));
    return inside.length === 0 ? [] : here();
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof got !== 'object' || got === null) return here();
    const answer = got as { [name: string]: unknown };
    return Object.entries(expected).flatMap(([key, value]) => differences(value, answer[key], [...path, key]));
  }
  if (expected === null && got === undefined) return [];
  const pattern = typeof expected === 'string' ? patternOf(expected) : null;
  if (pattern !== null) return typeof got === 'string' && pattern.test(got) ? [] : here();
  return plainValue(String(name), expected, path) === got ? [] : here();
}

/** `/idle/i`, as a regular expression. */
function patternOf(text: string): RegExp | null {
  const parts = /^\/(.+)\/([ims]*)$/s.exec(text);
  if (parts === null) return null;
  try {
    return new RegExp(parts[1] as string, parts[2]);
  } catch {
    return null; // then it is meant as it stands
  }
}

function sorted(list: readonly unknown[]): Json[] {
  return ([...list] as Json[]).sort((a, b) => (show(a) < show(b) ? -1 : 1));
}

function textOf(path: TablePath): string {
  if (path.length === 0) return 'the answer';
  return path.map((step, n) => (typeof step === 'number' ? `[${step}]` : n === 0 ? step : `.${step}`)).join('');
}

function words(expected: Json): string {
  return expected === null
    ? 'nothing'
    : typeof expected === 'string' && patternOf(expected)
      ? expected
      : show(expected);
}
