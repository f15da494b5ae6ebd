/**
 * A set's tree cut down to the models that matter for one question: those that run, and the target. What names none of
 * them is one and the same nothing. Must keep the order of choices, because it breaks ties.
 */
import type { ModelId } from '../core/ids.ts';
import type { Arithmetic } from './matrix-arithmetic.ts';
import type { Node } from './matrix-compile.ts';

export type Narrow<N> =
  | { kind: 'model'; support: N; index: number }
  | { kind: 'or' | 'and'; support: N; parts: readonly Narrow<N>[] };

/** `mattering`: the models that matter, by their index; `wide`: the same models in the bits of the compiled sets. */
export function narrowing<N extends number | bigint>(
  arithmetic: Arithmetic<N>,
  mattering: ReadonlyMap<ModelId, number>,
  wide: bigint,
): (node: Node) => Narrow<N> {
  const nothing: Narrow<N> = { kind: 'and', support: arithmetic.zero, parts: [] };
  const done = new Map<Node, Narrow<N>>();

  const narrow = (node: Node): Narrow<N> => {
    if ((node.support & wide) === 0n) return nothing;
    const known = done.get(node);
    if (known !== undefined) return known;
    const narrowed = node.kind === 'model' ? leaf(node.id) : list(node.kind, node.parts);
    done.set(node, narrowed);
    return narrowed;
  };

  const leaf = (id: ModelId): Narrow<N> => {
    const index = mattering.get(id);
    return index === undefined ? nothing : { kind: 'model', support: arithmetic.bit(index), index };
  };

  const list = (kind: 'or' | 'and', all: readonly Node[]): Narrow<N> => {
    const parts: Narrow<N>[] = [];
    let support = arithmetic.zero;
    let mayBeNothing = false;
    for (const part of all) {
      const one = narrow(part);
      if (one === nothing && (kind === 'and' || mayBeNothing)) continue;
      mayBeNothing ||= one === nothing;
      parts.push(one);
      support = arithmetic.or(support, one.support);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind, support, parts };
  };

  return narrow;
}
