/**
 * The raw configuration, known to have the right shape, as the rest of turnout uses it. Calls the checks that look at
 * more than one value; all of them run, so that all problems are told at once.
 */
import { createHash } from 'node:crypto';
import { buildGeneral, preload, type StoreCheck } from './build-general.ts';
import { buildMatrix, type Models } from './build-matrix.ts';
import { checkMemory, warnOfUnknown } from './build-memory.ts';
import { buildModels } from './build-models.ts';
import { buildNames, placesOfAliases } from './build-names.ts';
import { buildPeerNames, buildPeers, checkReserved } from './build-peers.ts';
import { applyOnDemand } from './build-residents.ts';
import { chooseRouter } from './build-router.ts';
import { applyPriorities, buildGroups } from './build-routing.ts';
import { buildProfiles, buildSelectors, type Known } from './build-selectors.ts';
import { buildTurnout } from './build-turnout.ts';
import type { Config, MatrixConfig } from './config.ts';
import { redactedJson } from './redacted.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import type { RawMatrix } from './schema-routing.ts';
import { hideSecrets, redact, type Secrets } from './secrets.ts';
import { keyPlaceAt, type MapNode, nodeAt, type Path } from './tree.ts';

export interface BuildOptions {
  /** Where the models run. */
  platform: NodeJS.Platform;
  storeCheck: StoreCheck;
}

/** Without `warnings` and `files`, which are the loader's. Worth nothing if the report has errors. */
export function buildConfig(
  raw: RawConfig,
  root: MapNode,
  ports: Map<string, number>,
  secrets: Secrets,
  options: BuildOptions,
  report: Report,
): Omit<Config, 'warnings' | 'files'> {
  const written = nodeAt(root, ['models']);
  const ids = written?.kind === 'map' ? written.entries.keys() : [];
  const general = buildGeneral(raw, root, options.storeCheck, report);
  const models = buildModels(raw, root, ids, ports, options.platform, report);
  const names = buildNames(models, root, report);
  const routing = chooseRouter(raw, root, report);
  // beside a router that does not look at them they may hold anything
  const groupsCount = routing.router === 'group' || routing.fallback === 'group';
  const ofGroups = groupsCount ? report : softened(report).report;
  const groups = buildGroups(raw, routing.groupsPath, root, models, names, ofGroups);
  applyPriorities(raw, root, models, names, report);
  const rawMatrix = routing.matrixPath?.length === 1 ? raw.matrix : raw.routing.router.settings.matrix;
  const matrixCounts = routing.router === 'matrix' || routing.fallback === 'matrix';
  const matrix =
    routing.matrixPath === null || rawMatrix === undefined
      ? null
      : matrixOf(rawMatrix, routing.matrixPath, matrixCounts, root, models, report);
  const peers = buildPeers(raw, root, report);
  const peerNames = buildPeerNames(peers, root, report);
  const turnout = buildTurnout(raw, root, routing, names, report);
  const devices = turnout.devices ?? new Map<string, number>();
  checkMemory(raw, models, devices, root, report);
  warnOfUnknown(models, routing.fallback, root, report);
  applyOnDemand(raw, root, models, names, report);
  const known: Known = { models, names, peers, peerNames, groups, law: routing.fallback, matrix, devices };
  checkModelNames(known, root, report);
  const selectors = buildSelectors(raw, root, known, report);
  const profiles = buildProfiles(raw, root, selectors, known, report);
  const config = {
    ...general,
    models,
    names,
    groups,
    router: routing.router,
    matrix,
    peers,
    peerNames,
    selectors,
    profiles,
    preload: preload(raw, root, names, report),
    apiKeys: raw.apiKeys,
    turnout,
  };
  // nobody keeps a configuration that is refused, and it may be of any size
  const redacted = report.hasErrors() ? '' : redactedJson(config, secrets);
  const hide = (text: string) => hideSecrets(text, secrets, redact);
  return { ...config, redacted, redact: hide, hash: createHash('sha256').update(redacted).digest('hex') };
}

/** llama-swap does not look at one that is not in use, so nothing in it is an error then; a wrong one counts as none. */
function matrixOf(
  raw: RawMatrix,
  path: Path,
  counts: boolean,
  root: MapNode,
  models: Models,
  report: Report,
): MatrixConfig | null {
  if (counts) return buildMatrix(raw, path, root, models, report);
  const soft = softened(report);
  const matrix = buildMatrix(raw, path, root, models, soft.report);
  return soft.wrong() ? null : matrix;
}

/** For what is checked although nobody uses it: errors become warnings. */
function softened(report: Report): { report: Report; wrong(): boolean } {
  let wrong = false;
  const error: Report['error'] = (...problem) => {
    wrong = true;
    report.warning(...problem);
  };
  return { report: { ...report, error }, wrong: () => wrong };
}

/** Names of models must leave those of peers alone. */
function checkModelNames({ models, peers, peerNames }: Known, root: MapNode, report: Report): void {
  for (const { id, aliases } of models.values()) {
    const path: Path = ['models', id];
    const placeOf = placesOfAliases(root, id);
    checkReserved('model ID', id, () => keyPlaceAt(root, path), peers, peerNames, report);
    for (const alias of aliases) {
      checkReserved(`alias of model ${id}`, alias, () => placeOf(alias), peers, peerNames, report);
    }
  }
}
