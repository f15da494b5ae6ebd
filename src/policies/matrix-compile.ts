/**
 * The sets of a matrix made ready for the solver: one tree per set, in which a reference is the very tree of the other
 * set, and each node knows which models it may name. Knows nothing of what runs; never expands anything.
 */
import type { ModelId } from '../core/ids.ts';
import type { MatrixSettings, SetExpression } from '../core/settings.ts';

/** `support`: the models that some set of this node holds, a bit each. */
export type Node =
  | { kind: 'model'; support: bigint; id: ModelId }
  | { kind: 'or' | 'and'; support: bigint; parts: Node[] };

export interface CompiledSet {
  name: string;
  /** As the user wrote it. */
  text: string;
  root: Node;
}

export interface Compiled {
  /** The models that stand in a set, a bit each. */
  bits: Map<ModelId, bigint>;
  /** In processing order: as in the file, but a set stands behind those that it refers to (spec 2.7). */
  sets: CompiledSet[];
}

/** Throws on a reference that leads nowhere or in a circle; the configuration refuses both. */
export function compileMatrix(matrix: MatrixSettings | null): Compiled {
  const defined = new Map((matrix?.sets ?? []).map((set) => [set.name, set]));
  const roots = new Map<string, Node | 'open'>();
  const compiled: Compiled = { bits: new Map(), sets: [] };

  const rootOf = (name: string): Node => {
    const known = roots.get(name);
    if (known !== undefined && known !== 'open') return known;
    const set = defined.get(name);
    if (known === 'open' || set === undefined) {
      const got = known === 'open' ? 'one that leads back to itself' : 'none';
      throw new Error(`read matrix set "${name}": expected a set of the matrix, got ${got}`);
    }
    roots.set(name, 'open');
    const root = nodeOf(set.expression);
    roots.set(name, root);
    compiled.sets.push({ name, text: set.text, root });
    return root;
  };

  const nodeOf = (expression: SetExpression): Node => {
    if (expression.kind === 'set') return rootOf(expression.name);
    if (expression.kind === 'model') {
      return { kind: 'model', support: bitOf(compiled.bits, expression.id), id: expression.id };
    }
    const parts = expression.parts.map(nodeOf);
    let support = 0n;
    for (const part of parts) support |= part.support;
    return { kind: expression.kind, support, parts };
  };

  for (const name of defined.keys()) rootOf(name);
  return compiled;
}

function bitOf(bits: Map<ModelId, bigint>, id: ModelId): bigint {
  const known = bits.get(id);
  if (known !== undefined) return known;
  const bit = 1n << BigInt(bits.size);
  bits.set(id, bit);
  return bit;
}
