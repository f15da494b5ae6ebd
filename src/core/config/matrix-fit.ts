/**
 * Whether models may run together under a matrix, without making its combinations: only the models that are asked about
 * are looked at. Must never import anything but types, ids and limits.
 */
import { type ModelId, modelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { MatrixConfig } from './config.ts';
import type { Expression } from './matrix-expression.ts';

const FAMILY_MAX = 10_000;
const KEPT_MAX = 500;

/**
 * Whether one set that the matrix permits holds all of these models. Looks only at them, so it does not matter how many
 * combinations there are. Null when even these are too many to tell.
 */
export function matrixFits(matrix: MatrixConfig, wanted: readonly ModelId[]): boolean | null {
  const bits = new Map([...new Set(wanted)].map((id, i) => [id, 1n << BigInt(i)]));
  const all = (1n << BigInt(bits.size)) - 1n;
  const byName = new Map(matrix.sets.map((set) => [set.name, set.expression]));
  const done = new Map<string, bigint[]>();
  const familyOf = (expression: Expression, depth: number): bigint[] | null => {
    if (depth > LIMITS.configDepthMax * 2) return null;
    if (expression.kind === 'name') {
      const id = matrix.vars.get(expression.name) ?? modelId(expression.name);
      return [bits.get(id) ?? 0n];
    }
    if (expression.kind === 'set') {
      const known = done.get(expression.name);
      const target = byName.get(expression.name);
      if (known !== undefined || target === undefined) return known ?? [];
      const family = familyOf(target, depth + 1);
      if (family !== null) done.set(expression.name, family);
      return family;
    }
    let family: bigint[] | null = null;
    for (const part of expression.parts) {
      const next = familyOf(part, depth + 1);
      if (next === null) return null;
      if (family === null) family = next;
      else if (expression.kind === 'or') family = largest([...family, ...next]);
      else if (family.length * next.length > FAMILY_MAX) return null;
      else family = largest(family.flatMap((a) => next.map((b) => a | b)));
      if (family === null) return null;
    }
    return family;
  };
  let unsure = false;
  for (const { expression } of matrix.sets) {
    const family = familyOf(expression, 0);
    if (family === null) unsure = true;
    else if (family.includes(all)) return true;
  }
  return unsure ? null : false;
}

/** Without those that another one holds whole; null when there are too many. */
function largest(family: bigint[]): bigint[] | null {
  const kept: bigint[] = [];
  for (const mask of new Set(family)) {
    if (kept.some((other) => (other | mask) === other)) continue;
    for (let i = kept.length - 1; i >= 0; i -= 1) if (((kept[i] ?? 0n) | mask) === mask) kept.splice(i, 1);
    kept.push(mask);
    if (kept.length > KEPT_MAX) return null;
  }
  return kept;
}
