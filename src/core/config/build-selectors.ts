/** Selectors and profiles (spec 2.8, 2.9): names that lead to other names, each checked against all that there are. */
import type { ModelId } from '../ids.ts';
import type { BuiltInName } from '../settings.ts';
import { jsonMap } from './build-filters.ts';
import { checkReserved } from './build-peers.ts';
import type { Config, MatrixConfig, ModelConfig, PeerConfig, ProfileConfig, SelectorConfig } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { checkSpillover } from './spillover.ts';
import { keyPlaceAt, nodeAt, type Path, placeAt, type TreeNode } from './tree.ts';

/** What names may lead to, all known by now. */
export interface Known {
  models: Map<ModelId, ModelConfig>;
  names: Map<string, ModelId>;
  peers: Map<string, PeerConfig>;
  peerNames: NonNullable<Config['peerNames']>;
  groups: Config['groups'];
  /** What decides which models stand together. */
  law: BuiltInName;
  matrix: MatrixConfig | null;
  devices: Map<string, number>;
}

export function buildSelectors(
  raw: RawConfig,
  root: TreeNode,
  known: Known,
  report: Report,
): Map<string, SelectorConfig> {
  const selectors = new Map<string, SelectorConfig>();
  const ids = new Set(keysAt(root, ['selectors']));
  for (const id of ids) {
    const selector = raw.selectors[id];
    if (selector === undefined) continue;
    const path: Path = ['selectors', id];
    const { strategy, targets, settings, name, description, unlisted, metadata } = selector;
    if (id.trim() === '') {
      report.error('selector', keyPlaceAt(root, path), 'selectors: the name of a selector must not be empty');
    }
    checkId(id, path, root, known, report);
    if (targets.length === 0) {
      report.error('selector', placeAt(root, path), `selectors.${id}.targets must contain at least one target`);
    }
    if (strategy === 'spillover' && settings.spillover < 1) {
      const at = placeAt(root, [...path, 'settings', 'spillover']);
      report.error('selector', at, `selectors.${id}.settings.spillover must be at least 1, got ${settings.spillover}`);
    }
    checkTargets(id, selector, root, ids, known, report);
    if (strategy === 'spillover') checkSpillover(id, selector, root, known, report);
    selectors.set(id, {
      id,
      strategy,
      targets,
      spillover: settings.spillover,
      name,
      description,
      unlisted,
      metadata: metadata === undefined ? null : jsonMap(metadata, [...path, 'metadata'], root, report),
    });
  }
  return selectors;
}

/** In the order of the file, which `Object.keys` does not keep for numbers. */
function keysAt(root: TreeNode, path: Path): string[] {
  const node = nodeAt(root, path);
  return node?.kind === 'map' ? [...node.entries.keys()] : [];
}

function checkId(id: string, path: Path, root: TreeNode, { names, peers, peerNames }: Known, report: Report): void {
  const owner = names.get(id);
  if (owner !== undefined) {
    const what = owner === id ? 'the id of a model' : `an alias of model ${owner}`;
    report.error('selector', keyPlaceAt(root, path), `selectors.${id}: the id is ${what}, expected one of its own`);
  }
  checkReserved('selector', id, () => keyPlaceAt(root, path), peers, peerNames, report);
}

export type RawSelector = RawConfig['selectors'][string];

/** A target is a model or a peer's model; `warm` has to know what is loaded, so only models of this machine. */
function checkTargets(
  id: string,
  { strategy, targets }: RawSelector,
  root: TreeNode,
  selectors: Set<string>,
  { names, peerNames }: Known,
  report: Report,
): void {
  targets.forEach((target, i) => {
    if (names.has(target) || (peerNames.has(target) && strategy !== 'warm' && !selectors.has(target))) return;
    const at = placeAt(root, ['selectors', id, 'targets', i]);
    const what = `selectors.${id}.targets[${i}]`;
    if (selectors.has(target)) {
      report.error('selector', at, `${what} is the selector "${target}", selector chaining is not supported`);
    } else if (peerNames.has(target)) {
      report.error('selector', at, `${what}: strategy warm needs models of this machine, "${target}" is a peer's`);
    } else {
      const message = `${what} references unknown model "${target}"`;
      report.error('unknown-model', at, message, () => didYouMean(target, [...names.keys(), ...peerNames.keys()]));
    }
  });
}

export function buildProfiles(
  raw: RawConfig,
  root: TreeNode,
  selectors: Map<string, SelectorConfig>,
  { names, peers, peerNames }: Known,
  report: Report,
): Map<string, ProfileConfig> {
  const profiles = new Map<string, ProfileConfig>();
  for (const id of keysAt(root, ['profiles'])) {
    const profile = raw.profiles[id];
    if (profile === undefined) continue;
    const path: Path = ['profiles', id, 'pins'];
    if (id.trim() === '') {
      report.error('profile', keyPlaceAt(root, ['profiles', id]), 'profiles: the name of a profile must not be empty');
    }
    const pins = new Map<string, string | null>();
    const pinned = keysAt(root, path);
    if (pinned.length === 0) {
      report.error('profile', placeAt(root, path), `profiles.${id}.pins must contain at least one entry`);
    }
    for (const name of pinned) {
      const written = profile.pins[name];
      if (written === undefined) continue;
      const target = written ?? '';
      const at = () => keyPlaceAt(root, [...path, name]);
      if (name.trim() === '') report.error('profile', at(), `profiles.${id}.pins: a name must not be empty`);
      checkReserved('profile pin', name, at, peers, peerNames, report);
      if (target !== '' && !names.has(target) && !peerNames.has(target) && !selectors.has(target)) {
        const message = `profiles.${id}.pins.${name} references unknown model "${target}"`;
        report.error('unknown-model', placeAt(root, [...path, name]), message, () =>
          didYouMean(target, [...names.keys(), ...peerNames.keys(), ...selectors.keys()]),
        );
      }
      pins.set(name, target === '' ? null : target);
    }
    profiles.set(id, { id, description: profile.description, pins });
  }
  return profiles;
}
