/**
 * Groups and priorities (spec 2.6): who is in which group, and what each model's priority is.
 */
import type { ModelId } from '../ids.ts';
import { modelId } from '../ids.ts';
import type { GroupSettings } from '../settings.ts';
import type { ModelConfig } from './config.ts';
import { nearest } from './nearest.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { keyPlaceAt, nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';

/** Holds every model that is in no other group. */
export const DEFAULT_GROUP = '(default)';

type Models = Map<ModelId, ModelConfig>;
type Names = Map<string, ModelId>;

/** Sets `group` of every model; `path` is where the groups stand. They come back in the order of the file, the default
 * one last. */
export function buildGroups(
  raw: RawConfig,
  path: Path,
  root: TreeNode,
  models: Models,
  names: Names,
  report: Report,
): GroupSettings[] {
  const written = path.length === 1 ? raw.groups : raw.routing.router.settings.groups;
  const node = nodeAt(root, path);
  const groups: GroupSettings[] = [];
  const groupOf = new Map<string, string>();
  for (const id of node?.kind === 'map' ? node.entries.keys() : []) {
    const group = written[id];
    if (group === undefined) continue;
    if (id === DEFAULT_GROUP) {
      const message = `group "${id}" is made by turnout for models in no group, what is written here has no effect`;
      report.warning('default-group', keyPlaceAt(root, [...path, id]), message);
      continue;
    }
    const { swap, exclusive, persistent } = group;
    groups.push({ id, swap, exclusive, persistent });
    group.members.forEach((member, i) => {
      const at = placeAt(root, [...path, id, 'members', i]);
      const first = groupOf.get(member);
      if (first === id) report.error('duplicate-member', at, `duplicate member "${member}" in group "${id}"`);
      else if (first !== undefined) {
        report.error('duplicate-member', at, `model "${member}" is in two groups, "${first}" and "${id}"`);
      } else if (names.has(member) && !models.has(modelId(member))) {
        // llama-swap takes it too, and leaves the model itself where it is
        report.warning('alias-member', at, `group "${id}": "${member}" is an alias and has no effect`, () =>
          modelHelp(member, names),
        );
      } else if (!models.has(modelId(member))) {
        report.error('unknown-model', at, `group "${id}": no model config for "${member}"`, () =>
          modelHelp(member, names),
        );
      }
      groupOf.set(member, first ?? id);
    });
  }
  for (const model of models.values()) model.group = groupOf.get(model.id) ?? DEFAULT_GROUP;
  return [...groups, { id: DEFAULT_GROUP, swap: true, exclusive: true, persistent: false }];
}

/** Sets `priority` of every model; keys may be aliases, the id wins over them. */
export function applyPriorities(raw: RawConfig, root: TreeNode, models: Models, names: Names, report: Report): void {
  const path: Path = ['routing', 'scheduler', 'settings', 'fifo', 'priority'];
  const priorities = raw.routing.scheduler.settings.fifo.priority;
  for (const [name, priority] of Object.entries(priorities)) {
    const model = models.get(names.get(name) ?? modelId(''));
    if (model === undefined) {
      const message = `${pathText(path)} references unknown model "${name}"`;
      report.error('unknown-model', keyPlaceAt(root, [...path, name]), message, () => modelHelp(name, names));
    } else if (name === model.id || !Object.hasOwn(priorities, model.id)) {
      model.priority = priority;
    }
  }
}

/** An alias where an id is wanted is the likeliest mistake. */
function modelHelp(name: string, names: Names): string | null {
  const id = names.get(name);
  if (id !== undefined) return `"${name}" is an alias, write "${id}"`;
  const near = nearest(name, names.keys());
  return near === null ? null : `did you mean "${near}"?`;
}
