/**
 * What a matrix lets run together, as short as it was written: ten groups of ten alternatives stay ten lists of ten names.
 * Must never decide what is evicted; the planner does.
 */

import type { ModelId } from '../../core/ids.ts';
import { LIMITS } from '../../core/limits.ts';
import type { BuiltInPlanner } from '../../core/plan.ts';
import type { MatrixSettings, SetExpression, Settings } from '../../core/settings.ts';
import { liesIn, SETS_MAX, shareOf, type Together } from './check-shares.ts';

/** One model of each of these lists. */
type Product = ModelId[][];

export function togetherInMatrix({ matrix, models }: Settings, { requires }: BuiltInPlanner): Together {
  const { products: all, more } = productsOf(matrix?.sets ?? []);
  const several = all.filter((product) => product.length > 1);
  const kept = several.filter(
    (one, i) => !several.some((other, j) => i !== j && liesIn(one, other) && (j < i || !liesIn(other, one))),
  );
  const named = new Set((more ? all : kept).flat(2));
  // a set of one model says no more than no set at all: it runs alone
  const alone = models.map(({ id }) => id).filter((id) => !named.has(id));
  const products: Product[] = alone.length === 0 ? kept : [...kept, [alone]];

  const mayLeave = (target: ModelId, compatible: ModelId[]): ModelId[] => {
    if (requires(target, compatible).length === 0) return [];
    if (more) return compatible;
    const stay = new Set(compatible);
    const beside = products.flatMap((product) =>
      product.flatMap((share, i) => (share.includes(target) ? [product.filter((_, j) => j !== i)] : [])),
    );
    const leaving = new Set<ModelId>();
    for (const product of products) {
      const loaded = product.map((share) => share.filter((id) => stay.has(id))).filter((share) => share.length > 0);
      if (beside.some((set) => liesIn(loaded, set))) continue;
      for (const id of loaded.flat()) leaving.add(id);
    }
    return compatible.filter((id) => leaving.has(id));
  };
  const sets = products.slice(0, SETS_MAX).map((product) => product.map((share) => shareOf(share, 1)));
  return { sets, more: more || products.length > SETS_MAX, mayLeave };
}

/** The sets multiplied out as far as it takes to name every list of alternatives. */
function productsOf(sets: MatrixSettings['sets']): { products: Product[]; more: boolean } {
  const expressions = new Map(sets.map((set) => [set.name, set.expression]));
  const done = new Map<string, Product[]>();
  let more = false;
  const bounded = (products: Product[]): Product[] => {
    more ||= products.length > LIMITS.checkProductsMax;
    return products.slice(0, LIMITS.checkProductsMax);
  };
  const read = (expression: SetExpression): Product[] => {
    if (expression.kind === 'model') return [[[expression.id]]];
    if (expression.kind === 'set') {
      const target = expressions.get(expression.name);
      const products = done.get(expression.name) ?? (target === undefined ? [] : read(target));
      done.set(expression.name, products);
      return products;
    }
    const parts = expression.parts.map(read);
    if (expression.kind === 'or') return bounded(alternatives(parts.flat()));
    return parts.reduce((left, right) => bounded(left.flatMap((a) => right.map((b) => beside(a, b)))));
  };
  const products = bounded(sets.flatMap((set) => read(set.expression)));
  return { products, more };
}

/** Lists that have nothing beside them are one list. */
function alternatives(products: Product[]): Product[] {
  const single = products.filter((product) => product.length === 1);
  if (single.length < 2) return products;
  const merged: Product = [[...new Set(single.flat(2))]];
  return [merged, ...products.filter((product) => product.length !== 1)];
}

function beside(left: Product, right: Product): Product {
  const alone = new Set(left.filter((share) => share.length === 1).flat());
  return [...left, ...right.filter(([only, second]) => second !== undefined || only === undefined || !alone.has(only))];
}
