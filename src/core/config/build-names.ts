/**
 * Ids, aliases and the aliases that `filters.setParamsByID` makes (spec 2.4, 2.5): who is called how.
 * Must never look at peers: those names are build-peers.ts.
 */
import type { ModelId } from '../ids.ts';
import { modelId } from '../ids.ts';
import type { ModelConfig } from './config.ts';
import type { Report } from './report.ts';
import type { Place } from './source.ts';
import { keyPlaceAt, nodeAt, type Path, placeAt, type TreeNode } from './tree.ts';

/** Adds the made aliases to the models. An id always wins over an alias. */
export function buildNames(models: Map<ModelId, ModelConfig>, root: TreeNode, report: Report): Map<string, ModelId> {
  const names = new Map<string, ModelId>();
  for (const { id, aliases } of models.values()) {
    const placeOf = placesOfAliases(root, id);
    for (const alias of aliases) {
      const first = names.get(alias);
      if (first !== undefined) {
        const message = `duplicate alias ${alias} found in model: ${id}`;
        report.error('duplicate-alias', placeOf(alias), message, `also an alias of ${first}`);
      } else if (models.has(modelId(alias)) && alias !== id) {
        const message = `alias "${alias}" of model ${id} is the id of another model, which requests for it get`;
        report.warning('shadowed-alias', placeOf(alias), message);
      }
      names.set(alias, first ?? id);
    }
  }
  for (const model of models.values()) addMadeAliases(model, models, names, root, report);
  for (const id of models.keys()) names.set(id, id);
  return names;
}

function addMadeAliases(
  model: ModelConfig,
  models: Map<ModelId, ModelConfig>,
  names: Map<string, ModelId>,
  root: TreeNode,
  report: Report,
): void {
  const { id } = model;
  const own = new Set(model.aliases);
  for (const name of model.filters?.setById.keys() ?? []) {
    if (name === id || own.has(name)) continue;
    const at = keyPlaceAt(root, ['models', id, 'filters', 'setParamsByID', name]);
    const first = names.get(name);
    if (models.has(modelId(name))) {
      const message = `model ${id}: filters.setParamsByID key "${name}" conflicts with an existing model ID`;
      report.error('duplicate-alias', at, message, 'each key becomes an alias of its model');
    } else if (first !== undefined) {
      const message = `duplicate alias '${name}' in model ${id}: filters.setParamsByID`;
      report.error('duplicate-alias', at, message, `also an alias of ${first}`);
    } else {
      names.set(name, id);
      model.aliases.push(name);
    }
  }
}

/**
 * Where a model mentions an alias, in its list or in its filters; the last time, because one that stands twice is wrong
 * the second time.
 */
export function placesOfAliases(root: TreeNode, id: string): (alias: string) => Place {
  const path: Path = ['models', id, 'aliases'];
  let indexes: Map<string, number> | null = null;
  return (alias) => {
    indexes ??= indexesOf(nodeAt(root, path));
    const index = indexes.get(alias);
    // one that is not in the list was made by a filter
    if (index === undefined) return keyPlaceAt(root, ['models', id, 'filters', 'setParamsByID', alias]);
    return placeAt(root, [...path, index]);
  };
}

function indexesOf(list: TreeNode | undefined): Map<string, number> {
  const items = list?.kind === 'list' ? list.items : [];
  return new Map(items.map((item, i) => [item.kind === 'scalar' ? item.text : '', i]));
}
