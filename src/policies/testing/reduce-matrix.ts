/** A matrix as a configuration writes it, made from the settings: every model gets a variable, whatever its id holds. Pure. */
import type { MatrixSettings, SetExpression } from '../../core/settings.ts';
import type { Fields } from './table.ts';

export function matrixFields({ sets, evictCosts }: MatrixSettings): Fields {
  const vars = new Map<string, string>();
  const varOf = (id: string): string => {
    const known = vars.get(id) ?? `m${vars.size + 1}`;
    vars.set(id, known);
    return known;
  };
  const text = (expression: SetExpression): string => {
    if (expression.kind === 'model') return varOf(expression.id);
    if (expression.kind === 'set') return `+${expression.name}`;
    return `(${expression.parts.map(text).join(expression.kind === 'and' ? ' & ' : ' | ')})`;
  };
  const written = Object.fromEntries(sets.map(({ name, expression }) => [name, text(expression)]));
  const costs = Object.fromEntries(Object.entries(evictCosts).map(([id, cost]) => [varOf(id), cost]));
  return {
    vars: Object.fromEntries([...vars].map(([id, name]) => [name, id])),
    ...(Object.keys(costs).length === 0 ? {} : { evict_costs: costs }),
    sets: written,
  };
}
