/**
 * Peers and the names of their models (spec 2.5, 2.10): `peer/model` of each, and the bare name where only one has it.
 * Names are looked up whole, never split.
 */
import { buildFilters } from './build-filters.ts';
import { timeoutsOf } from './build-models.ts';
import type { Config, PeerConfig } from './config.ts';
import { isHttpUrl } from './ports.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import type { Place } from './source.ts';
import { isNull, keyPlaceAt, nodeAt, type Path, placeAt, type TreeNode } from './tree.ts';

type PeerNames = NonNullable<Config['peerNames']>;

export function buildPeers(raw: RawConfig, root: TreeNode, report: Report): Map<string, PeerConfig> {
  const peers = new Map<string, PeerConfig>();
  const node = nodeAt(root, ['peers']);
  for (const id of node?.kind === 'map' ? node.entries.keys() : []) {
    const peer = raw.peers[id];
    if (peer === undefined) continue;
    const path: Path = ['peers', id];
    if (isNull(nodeAt(root, path))) {
      report.warning('empty-peer', keyPlaceAt(root, path), `peers.${id} is empty, so it is left out`);
      continue;
    }
    if (peer.proxy.trim() === '') {
      report.error('peer', keyPlaceAt(root, path), `peers.${id}: proxy is required`);
    } else if (!isHttpUrl(peer.proxy)) {
      const message = `peers.${id}: invalid peer proxy URL "${peer.proxy}"`;
      report.error(
        'invalid-url',
        placeAt(root, [...path, 'proxy']),
        message,
        'expected http://host:port or https://host',
      );
    }
    const models = [...new Set(peer.models.filter((name) => name !== ''))];
    if (models.length === 0) {
      report.error('peer', placeAt(root, [...path, 'models']), `peers.${id}: peer models can not be empty`);
    }
    peers.set(id, {
      id,
      proxy: peer.proxy,
      models,
      apiKey: peer.apiKey,
      filters: buildFilters(peer.filters, [...path, 'filters'], root, report),
      timeouts: timeoutsOf(peer.timeouts, [...path, 'timeouts'], root, report),
    });
  }
  return peers;
}

export const fullName = (peer: string, model: string): string => `${peer}/${model}`;

/** Full names first: one beats a bare name that reads the same. */
export function buildPeerNames(peers: Map<string, PeerConfig>, root: TreeNode, report: Report): PeerNames {
  const full: PeerNames = new Map();
  const bare = new Map<string, { peer: string; model: string }[]>();
  for (const { id, models } of peers.values()) {
    models.forEach((model, i) => {
      const name = fullName(id, model);
      const first = full.get(name);
      if (first !== undefined) {
        const message = `fully qualified peer model name "${name}" is ambiguous between peers "${first.peer}" and "${id}"`;
        report.error('peer', placeAt(root, ['peers', id, 'models', i]), message);
      } else full.set(name, { peer: id, model });
      const owners = bare.get(model);
      if (owners === undefined) bare.set(model, [{ peer: id, model }]);
      else owners.push({ peer: id, model });
    });
  }
  const names: PeerNames = new Map(full);
  for (const [model, [owner, ...others]] of bare) {
    if (owner !== undefined && others.length === 0 && !names.has(model)) names.set(model, owner);
  }
  return names;
}

/** Full names belong to peers alone. `what` is what has the name: model, alias, selector, pin. */
export function checkReserved(
  what: string,
  name: string,
  at: () => Place,
  peers: Map<string, PeerConfig>,
  peerNames: PeerNames,
  report: Report,
): void {
  const found = peerNames.get(name);
  if (found === undefined || name !== fullName(found.peer, found.model) || !peers.has(found.peer)) return;
  const message = `${what} "${name}" conflicts with fully qualified peer model name of peer "${found.peer}"`;
  report.error('peer', at(), message);
}
