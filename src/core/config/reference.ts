/**
 * What llama-swap does with a configuration where turnout does something else: what it ignores, changes without a word, or
 * reads in another way (spec section 2). Told as warnings on request; must never change what a configuration means.
 */
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import {
  isNull,
  keyPlaceAt,
  type MapEntry,
  type MapNode,
  mapNode,
  nodeAt,
  type Path,
  pathText,
  placeAt,
} from './tree.ts';

/** Takes out what only turnout knows and tells of it, as llama-swap passes over unknown keys. */
export function withoutTurnout(root: MapNode, report: Report): MapNode {
  const entries = without(root, [], report);
  const models = entries.get('models');
  if (models?.value.kind === 'map') {
    const kept = new Map<string, MapEntry>();
    for (const [id, entry] of models.value.entries) {
      const { value } = entry;
      kept.set(
        id,
        value.kind === 'map' ? { ...entry, value: mapNode(without(value, ['models', id], report), value.at) } : entry,
      );
    }
    entries.set('models', { ...models, value: mapNode(kept, models.value.at) });
  }
  return mapNode(entries, root.at);
}

function without(node: MapNode, path: Path, report: Report): Map<string, MapEntry> {
  const entries = new Map(node.entries);
  const own = entries.get('turnout');
  if (own !== undefined) report.warning('ignored', own.at, `llama-swap ignores ${pathText([...path, 'turnout'])}`);
  entries.delete('turnout');
  return entries;
}

/** `names` leads aliases to ids too. */
export function reportDifferences(raw: RawConfig, root: MapNode, names: Map<string, string>, report: Report): void {
  const paths = nodeAt(root, ['upstream', 'ignorePaths']);
  if (paths?.kind === 'list' && paths.items.length === 0) {
    const message = 'upstream.ignorePaths: llama-swap takes an empty list for its default, turnout for none';
    report.warning('differs', placeAt(root, ['upstream', 'ignorePaths']), message);
  }
  const priority: Path = ['routing', 'scheduler', 'settings', 'fifo', 'priority'];
  for (const name of Object.keys(raw.routing.scheduler.settings.fifo.priority)) {
    const id = names.get(name);
    if (id === undefined || id === name) continue;
    const message = `${pathText(priority)}: llama-swap ignores the priority of the alias "${name}"`;
    report.warning('differs', keyPlaceAt(root, [...priority, name]), message, `write "${id}"`);
  }
  const metrics = nodeAt(root, ['metricsMaxInMemory']);
  if (metrics !== undefined && !isNull(metrics) && raw.store !== undefined) {
    const message = 'llama-swap ignores metricsMaxInMemory when store.path is set';
    report.warning('differs', keyPlaceAt(root, ['metricsMaxInMemory']), message);
  }
}
