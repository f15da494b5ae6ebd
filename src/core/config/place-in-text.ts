/**
 * Where a part of a value stands in the file: the value is what YAML made of it, so quotes, folding and indentation may
 * lie between. Blank characters are passed over, which neither expressions nor folding care about.
 */
import type { Place } from './source.ts';
import type { ScalarNode } from './tree.ts';

/**
 * Finds the place of `value.slice(start, end)` of a scalar; the whole scalar where macros or escapes changed the text.
 * The texts are compared once, however many places are asked for.
 */
export function placerOf(node: ScalarNode, value: string): (start: number, end: number) => Place {
  const { source, start: from, end: to } = node.at;
  const written = solid(source.text.slice(from, to));
  const wanted = solid(value);
  const at = wanted.text === '' ? -1 : written.text.indexOf(wanted.text);
  if (at === -1) return () => node.at;
  return (start, end) => {
    const first = countBefore(wanted.offsets, start);
    const last = Math.max(countBefore(wanted.offsets, end) - 1, first);
    const begin = written.offsets[at + first];
    const until = written.offsets[at + last];
    if (begin !== undefined && until !== undefined && first < wanted.offsets.length) {
      return { source, start: from + begin, end: from + until + 1 };
    }
    // behind the last character
    const behind = from + (written.offsets[at + wanted.offsets.length - 1] ?? 0) + 1;
    return { source, start: behind, end: behind + 1 };
  };
}

/** The characters that are not blank, and where each stood. */
function solid(text: string): { text: string; offsets: number[] } {
  const offsets: number[] = [];
  for (let i = 0; i < text.length; i += 1) if (!/\s/.test(text.charAt(i))) offsets.push(i);
  return { text: text.replace(/\s+/g, ''), offsets };
}

/** How many of these growing offsets lie before one. */
function countBefore(offsets: number[], offset: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((offsets[middle] ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
