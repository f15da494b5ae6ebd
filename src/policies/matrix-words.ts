/**
 * One sentence for each way that the matrix planner sees. Depends on nothing that changes while the way stays the same:
 * a reason that changes is an event each time.
 */
import { list } from '../core/history/format.ts';
import type { ModelId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { CompiledSet } from './matrix-compile.ts';

const NAMED_MAX = 6;
const NAME_CHARS_MAX = 40;
/** Below it an expression tells nothing, so names are cut instead. */
const TEXT_CHARS_MIN = 24;

/** `stays`: what is alive and not evicted. `cost`: the sum of the evict costs. */
export function matrixWords(way: {
  target: ModelId;
  set: CompiledSet | null;
  stays: readonly ModelId[];
  evict: readonly ModelId[];
  cost: number;
}): string {
  const { set, stays, evict } = way;
  const target = short(way.target, NAME_CHARS_MAX * 2);
  if (evict.length === 0 && stays.length === 0) return `nothing stands in the way of ${target}`;
  const gone = `${names(evict)} must leave (evict cost ${way.cost})`;
  if (set === null) return `no set of the matrix holds ${target}, so it runs alone: ${gone}`;
  const beside = stays.length === 0 ? '' : ` beside ${names(stays)}`;
  const rest = evict.length === 0 ? '' : `, so ${gone}`;
  const sentence = (text: string) =>
    `set "${short(set.name, NAME_CHARS_MAX)}" (${text}) holds ${target}${beside}${rest}`;
  const room = LIMITS.reasonCharsMax - sentence('').length;
  return sentence(short(set.text.replace(/\s+/g, ' ').trim(), Math.max(TEXT_CHARS_MIN, room)));
}

function names(ids: readonly ModelId[]): string {
  const told = ids.slice(0, NAMED_MAX).map((id) => short(id, NAME_CHARS_MAX));
  if (ids.length > NAMED_MAX) told.push(`${ids.length - NAMED_MAX} more`);
  return list(told);
}

function short(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}
