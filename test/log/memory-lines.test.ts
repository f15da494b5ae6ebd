/** The lines of a log in memory: in order both ways, whole after packing, the newest kept. */
import { describe, expect, it } from 'vitest';
import { createMemoryLines } from '../../src/core/log/memory-lines.ts';

function filled(linesMax: number, count: number) {
  const lines = createMemoryLines(linesMax);
  for (let n = 1; n <= count; n++) lines.add(`${n}\tä 😀`);
  const numbers = (reverse: boolean) => [...lines.all(reverse)].map((line) => Number(line.split('\t')[0]));
  return { lines, numbers };
}

describe('memory lines', () => {
  it('come back in order and in reverse, packed or not', () => {
    const { numbers } = filled(100_000, 1_000);
    const all = Array.from({ length: 1_000 }, (_, i) => i + 1);
    expect(numbers(false)).toEqual(all);
    expect(numbers(true)).toEqual(all.toReversed());
  });

  it('keep every character of a packed line', () => {
    expect(new Set([...filled(100_000, 600).lines.all(false)].map((line) => line.split('\t')[1]))).toEqual(
      new Set(['ä 😀']),
    );
  });

  it.each([1, 5, 100, 3_000])('keep the newest, never more than %i', (linesMax) => {
    const { numbers } = filled(linesMax, 10_000);
    const kept = numbers(false);
    expect(kept.at(-1)).toBe(10_000);
    expect(kept.length).toBeLessThanOrEqual(linesMax);
    expect(kept.length).toBeGreaterThanOrEqual(Math.floor(linesMax * 0.8));
    expect(kept[0]).toBe(10_000 - kept.length + 1);
  });
});
