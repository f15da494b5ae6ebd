/**
 * Which models stay, come and go without being asked for, or do not come although they are: `turnout.protect`,
 * `turnout.whenIdle`, and of a model `keepWarm` and `onDemand`. Resolves names; must never decide what is loaded.
 */

import type { ModelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { LocalWindow, OnDemand, Settings } from '../settings.ts';
import type { ModelConfig } from './config.ts';
import { parseWindow } from './local-window.ts';
import { didYouMean } from './nearest.ts';
import { placerOf } from './place-in-text.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import type { RawModel } from './schema-model.ts';
import { nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';
import { durationMs } from './units.ts';

type Names = Map<string, ModelId>;

export function buildProtect(raw: RawConfig, root: TreeNode, names: Names, report: Report): Settings['protect'] {
  const { protect } = raw.turnout;
  const path: Path = ['turnout', 'protect'];
  if (Array.isArray(protect)) return { models: resolved(protect, path, root, names, report), otherwise: 'queue' };
  const { models, otherwise } = protect;
  return { models: resolved(models, [...path, 'models'], root, names, report), otherwise };
}

export function buildWhenIdle(raw: RawConfig, root: TreeNode, names: Names, report: Report): Settings['whenIdle'] {
  const { whenIdle } = raw.turnout;
  if (whenIdle === undefined) return null;
  const path: Path = ['turnout', 'whenIdle'];
  const afterMs = durationMs(whenIdle.after);
  if (afterMs === 0) {
    report.error('invalid-value', placeAt(root, [...path, 'after']), 'turnout.whenIdle.after must be greater than 0');
  }
  const load = modelAt(whenIdle.load, [...path, 'load'], root, names, report);
  return load === null ? null : { afterMs, load };
}

/** `path` is that of the model. */
export function buildKeepWarm({ turnout }: RawModel, path: Path, root: TreeNode, report: Report): LocalWindow[] {
  const { keepWarm } = turnout;
  const at: Path = [...path, 'turnout', 'keepWarm'];
  if (typeof keepWarm === 'string') return windowAt(keepWarm, at, root, report);
  if (keepWarm.length > LIMITS.configWindowsMax) {
    const message = `${pathText(at)}: expected at most ${LIMITS.configWindowsMax} windows, got ${keepWarm.length}`;
    report.error('invalid-value', placeAt(root, at), message, 'days can be joined, such as "sat,sun 10:00-22:00"');
    return [];
  }
  return keepWarm.flatMap((text, i) => windowAt(text, [...at, i], root, report));
}

/** None when it is wrong, which is told. */
function windowAt(text: string, path: Path, root: TreeNode, report: Report): LocalWindow[] {
  const parsed = parseWindow(text);
  if ('window' in parsed) return [parsed.window];
  const node = nodeAt(root, path);
  const written = node?.kind === 'scalar' && text !== '';
  const place = written ? placerOf(node, text)(parsed.start, parsed.end) : placeAt(root, path);
  report.error('invalid-value', place, `${pathText(path)}: ${parsed.problem}`, parsed.help);
  return [];
}

/** Sets `onDemand` of every model: only now all names are known. */
export function applyOnDemand(
  raw: RawConfig,
  root: TreeNode,
  models: Map<ModelId, ModelConfig>,
  names: Names,
  report: Report,
): void {
  for (const model of models.values()) {
    const written = raw.models[model.id]?.turnout.onDemand;
    if (written === undefined) continue;
    model.onDemand =
      typeof written === 'string' ? { action: written } : redirectOf(model.id, written, root, names, report);
  }
}

type RawRedirect = Exclude<RawModel['turnout']['onDemand'], string>;

function redirectOf(
  id: ModelId,
  { redirect, otherwise }: RawRedirect,
  root: TreeNode,
  names: Names,
  report: Report,
): OnDemand {
  const path: Path = ['models', id, 'turnout', 'onDemand', 'redirect'];
  if (redirect.length === 0) {
    const message = `${pathText(path)} names no model`;
    report.error('invalid-value', placeAt(root, path), message, `write "onDemand: ${otherwise}" for none`);
    return { action: otherwise };
  }
  const to =
    typeof redirect === 'string'
      ? [modelAt(redirect, path, root, names, report)].filter((target) => target !== null)
      : resolved(redirect, path, root, names, report);
  if (to.includes(id)) {
    const at = typeof redirect === 'string' ? path : [...path, redirect.findIndex((name) => names.get(name) === id)];
    const message = `${pathText(at)} leads to the model itself`;
    report.error('invalid-value', placeAt(root, at), message, 'name other models, which serve while they are loaded');
  }
  return { action: 'redirect', to, otherwise };
}

/** The models of a list of names, each once; those that are unknown are told and left out. */
function resolved(list: string[], path: Path, root: TreeNode, names: Names, report: Report): ModelId[] {
  const found = list.map((name, i) => modelAt(name, [...path, i], root, names, report));
  return [...new Set(found.filter((id) => id !== null))];
}

function modelAt(name: string, path: Path, root: TreeNode, names: Names, report: Report): ModelId | null {
  const id = names.get(name);
  if (id !== undefined) return id;
  const list = typeof path.at(-1) === 'number' ? path.slice(0, -1) : path;
  report.error('unknown-model', placeAt(root, path), `${pathText(list)} references unknown model "${name}"`, () =>
    didYouMean(name, names.keys()),
  );
  return null;
}
