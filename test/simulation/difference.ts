/**
 * Where a folded state and the live one differ, if they do. Says the same as comparing canonical() of both, order included,
 * at a tenth of the cost: it runs after every step. Must never build anything while the states are equal.
 */

/** Path of the first difference, such as `models.m1.run.phase`, or null. An undefined field counts as absent, as in JSON. */
export function firstDifference(a: unknown, b: unknown): string | null {
  if (a === b) return null;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return '';
  if (a instanceof Map) return b instanceof Map ? inMaps(a, b) : '';
  if (a instanceof Set) return b instanceof Set && inSets(a, b) ? null : '';
  if (Array.isArray(a)) return Array.isArray(b) ? inArrays(a, b) : '';
  return b instanceof Map || b instanceof Set || Array.isArray(b) ? '' : inRecords(a as Fields, b as Fields);
}

type Fields = Record<string, unknown>;

function inMaps(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): string | null {
  if (a.size !== b.size) return '(size)';
  const others = b.entries();
  for (const [key, value] of a) {
    const [otherKey, other] = others.next().value as [unknown, unknown];
    if (key !== otherKey) return `(${key} in the place of ${otherKey})`;
    const where = firstDifference(value, other);
    if (where !== null) return joined(String(key), where);
  }
  return null;
}

function inSets(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  if (a.size !== b.size) return false;
  const others = b.values();
  for (const value of a) if (value !== others.next().value) return false;
  return true;
}

function inArrays(a: readonly unknown[], b: readonly unknown[]): string | null {
  if (a.length !== b.length) return '(length)';
  for (let i = 0; i < a.length; i++) {
    const where = firstDifference(a[i], b[i]);
    if (where !== null) return joined(String(i), where);
  }
  return null;
}

function inRecords(a: Fields, b: Fields): string | null {
  const keys = Object.keys(a);
  const others = Object.keys(b);
  let at = 0;
  for (const key of keys) {
    if (a[key] === undefined) continue;
    while (at < others.length && b[others[at] as string] === undefined) at++;
    if (others[at] !== key) return key;
    at++;
    const where = firstDifference(a[key], b[key]);
    if (where !== null) return joined(key, where);
  }
  for (; at < others.length; at++) if (b[others[at] as string] !== undefined) return others[at] as string;
  return null;
}

function joined(key: string, rest: string): string {
  return rest === '' ? key : `${key}.${rest}`;
}
