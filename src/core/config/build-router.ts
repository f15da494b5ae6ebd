/**
 * Which router and planner are in charge, and where their settings stand (spec 2.6): the legacy spellings at the top
 * level, `routing.router`, `turnout.planner` over both. A planner whose settings are missing is refused, never replaced by
 * another.
 */
import type { BuiltInName } from '../settings.ts';
import type { Config } from './config.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { isNull, keyPlaceAt, nodeAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';

export interface Routing {
  groupsPath: Path;
  /** Null when there is no matrix. */
  matrixPath: Path | null;
  router: 'group' | 'matrix';
  planner: NonNullable<Config['turnout']['planner']>;
  /** The planner if it is a built-in, else the one that answers when the policy does not. */
  fallback: BuiltInName;
}

const SETTINGS: Path = ['routing', 'router', 'settings'];

export function chooseRouter(raw: RawConfig, root: TreeNode, report: Report): Routing {
  // an empty map of groups says nothing
  const legacy = [
    ...(hasContent(nodeAt(root, ['groups'])) ? ['groups'] : []),
    ...(has(root, ['matrix']) ? ['matrix'] : []),
  ];
  const router = routerOf(raw, root, legacy, report);
  const planner = raw.turnout.planner ?? router;
  const fallback = planner === 'policy' ? fallbackOf(raw, root, legacy, router) : planner;
  const groupsPath: Path = legacy.includes('groups') ? ['groups'] : [...SETTINGS, 'groups'];
  const matrixPath: Path = legacy.includes('matrix') ? ['matrix'] : [...SETTINGS, 'matrix'];
  const routing = { groupsPath, matrixPath: has(root, matrixPath) ? matrixPath : null, router, planner, fallback };
  checkSettings(routing, raw, root, report);
  if (planner !== 'policy' && !report.hasErrors()) warnOfUnused(routing, raw, root, report);
  return routing;
}

/** What the file says of routers; where it says nothing, memory decides if there are devices. */
function fallbackOf(raw: RawConfig, root: TreeNode, legacy: string[], router: Routing['router']): BuiltInName {
  const { policy, devices } = raw.turnout;
  const written = typeof policy === 'object' ? policy.fallback : undefined;
  if (written !== undefined) return written;
  const silent = legacy.length === 0 && !saysRouter(raw, root);
  return silent && Object.keys(devices).length > 0 ? 'budget' : router;
}

/** The settings without which a planner cannot decide. */
function checkSettings({ matrixPath, planner, fallback }: Routing, raw: RawConfig, root: TreeNode, report: Report) {
  const path: Path = ['turnout', ...(planner === 'policy' ? ['policy', 'fallback'] : ['planner'])];
  const missing = (what: string, help: string): void =>
    report.error('conflict', placeAt(root, path), `${pathText(path)} is ${fallback} but ${what} is not set`, help);
  // a router that lacks it has its own message
  if (fallback === 'matrix' && raw.routing.router.use !== 'matrix' && matrixPath === null) {
    missing(pathText([...SETTINGS, 'matrix']), 'write the sets of models that may run together there');
  }
  if (fallback === 'budget' && !hasContent(nodeAt(root, ['turnout', 'devices']))) {
    missing('turnout.devices', 'write for example "devices: {gpu0: 24GiB}" under turnout');
  }
}

/** What stands in the file for another planner than the one in charge. */
function warnOfUnused(
  { groupsPath, matrixPath, planner }: Routing,
  raw: RawConfig,
  root: TreeNode,
  report: Report,
): void {
  const unused = (path: Path, why: string): void =>
    report.warning('no-effect', keyPlaceAt(root, path), `${path.join('.')} has no effect`, why);
  const other = `the ${planner} planner is in use`;
  if (matrixPath !== null && planner !== 'matrix') unused(matrixPath, other);
  // beside a router of the file groups may stand, as in llama-swap
  const chosen = raw.turnout.planner !== undefined;
  if (chosen && planner !== 'group' && hasContent(nodeAt(root, groupsPath))) unused(groupsPath, other);
  if (!chosen && Object.keys(raw.turnout.devices).length > 0) {
    const why = `${other}, write "planner: budget" to let memory decide`;
    report.warning('no-effect', keyPlaceAt(root, ['turnout', 'devices']), 'turnout.devices limits nothing', why);
  }
}

function routerOf(raw: RawConfig, root: TreeNode, legacy: string[], report: Report): 'group' | 'matrix' {
  const [key] = legacy;
  if (legacy.length === 2) {
    report.error('conflict', keyPlaceAt(root, ['matrix']), "config cannot use both 'groups' and 'matrix'");
    return 'group';
  }
  if (key !== undefined && saysRouter(raw, root)) {
    const message = `'${key}' at the top level and routing.router cannot be used together`;
    const remedy = `move '${key}' to routing.router.settings.${key}`;
    report.error('conflict', keyPlaceAt(root, [key]), message, remedy);
    return 'group';
  }
  if (key === 'matrix') return 'matrix';
  if (raw.routing.router.use !== 'matrix') return 'group';
  if (has(root, [...SETTINGS, 'matrix'])) return 'matrix';
  const message = "routing.router.use is 'matrix' but routing.router.settings.matrix is not set";
  report.error('conflict', placeAt(root, ['routing', 'router', 'use']), message);
  return 'group';
}

function saysRouter(raw: RawConfig, root: TreeNode): boolean {
  const { use } = raw.routing.router;
  const written = nodeAt(root, ['routing', 'router', 'use']);
  if (written !== undefined && !isNull(written) && use !== '') return true;
  return has(root, [...SETTINGS, 'matrix']) || hasContent(nodeAt(root, [...SETTINGS, 'groups']));
}

function has(root: TreeNode, path: Path): boolean {
  const node = nodeAt(root, path);
  return node !== undefined && !isNull(node);
}

function hasContent(node: TreeNode | undefined): boolean {
  return node !== undefined && !isNull(node) && !(node.kind === 'map' && node.entries.size === 0);
}
