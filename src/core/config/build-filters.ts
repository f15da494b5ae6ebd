/**
 * Filters of models and peers (spec 2.4, 3.4) in the form in which they are applied: lists cleaned, keys sorted, the key
 * `model` left out. Also what is any data: metadata.
 */
import type { Json } from './canonical.ts';
import type { Filters } from './config.ts';
import type { Report } from './report.ts';
import type { RawFilters } from './schema-model.ts';
import { keyPlaceAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';

/** Where a request is routed by it, filters never touch it. */
const PROTECTED = 'model';

export function buildFilters(raw: RawFilters, path: Path, root: TreeNode, report: Report): Filters {
  const written = raw.stripParams.trim() === '' ? 'strip_params' : 'stripParams';
  const strip = raw[written].split(',').map((key) => key.trim());
  if (strip.includes(PROTECTED)) {
    const at: Path = [...path, written];
    report.warning(
      'protected-key',
      placeAt(root, at),
      `${pathText(at)}: "${PROTECTED}" is not stripped, it is protected`,
    );
  }
  const setById = new Map<string, Filters['set']>();
  for (const [id, keys] of Object.entries(raw.setParamsByID)) {
    setById.set(id, entriesOf(keys, [...path, 'setParamsByID', id], root, report));
  }
  return {
    strip: [...new Set(strip)].filter((key) => key !== '' && key !== PROTECTED).sort(),
    set: entriesOf(raw.setParams, [...path, 'setParams'], root, report),
    setById,
  };
}

function entriesOf(keys: Record<string, unknown>, path: Path, root: TreeNode, report: Report): Filters['set'] {
  const entries: Filters['set'] = [];
  for (const key of Object.keys(keys).sort()) {
    const at = keyPlaceAt(root, [...path, key]);
    if (key === PROTECTED) {
      report.warning('protected-key', at, `${pathText(path)}: "${PROTECTED}" is not set, it is protected`);
    } else if (/[*?#]/.test(key)) {
      const message = `${pathText(path)}: the key "${key}" cannot be set, it contains "*", "?" or "#"`;
      report.warning('filter-key', at, message, 'in llama-swap every request would fail');
    } else entries.push([key, jsonOf(keys[key], [...path, key], root, report)]);
  }
  return entries;
}

/** Data of the file as JSON. YAML knows numbers that JSON does not, in their place stands null. */
export function jsonOf(value: unknown, path: Path, root: TreeNode, report: Report): Json {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    const message = `${pathText(path)}: expected a finite number, got ${value}; null is used`;
    report.warning('not-finite', placeAt(root, path), message, 'in llama-swap every answer that needs it would fail');
    return null;
  }
  if (Array.isArray(value)) return value.map((item, i) => jsonOf(item, [...path, i], root, report));
  if (typeof value !== 'object' || value === null) return null;
  return jsonMap(value as Record<string, unknown>, path, root, report);
}

export function jsonMap(
  value: Record<string, unknown>,
  path: Path,
  root: TreeNode,
  report: Report,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, jsonOf(item, [...path, key], root, report)]),
  );
}
