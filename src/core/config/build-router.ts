/**
 * Which router and planner are in charge, and where their settings stand (spec 2.6): the legacy spellings at the top
 * level, `routing.router`, `turnout.planner` over both. What no planner exists for is refused, never replaced by another.
 */
import type { Config } from './config.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import type { Place } from './source.ts';
import { isNull, keyPlaceAt, nodeAt, type Path, placeAt, type TreeNode } from './tree.ts';

export interface Routing {
  groupsPath: Path;
  /** Null when there is no matrix. */
  matrixPath: Path | null;
  router: 'group' | 'matrix';
  planner: NonNullable<Config['turnout']['planner']>;
}

const SETTINGS: Path = ['routing', 'router', 'settings'];

/** Planners that exist. */
const PLANNERS: ReadonlySet<string> = new Set(['group']);

/** `asReference`: as llama-swap sees it, which knows nothing of what turnout has. */
export function chooseRouter(raw: RawConfig, root: TreeNode, asReference: boolean, report: Report): Routing {
  // an empty map of groups says nothing
  const legacy = [
    ...(hasContent(nodeAt(root, ['groups'])) ? ['groups'] : []),
    ...(has(root, ['matrix']) ? ['matrix'] : []),
  ];
  const router = routerOf(raw, root, legacy, report);
  const planner = raw.turnout.planner ?? router;
  if (!asReference && !PLANNERS.has(planner)) {
    if (raw.turnout.planner === undefined) {
      const at = legacy[0] === 'matrix' ? keyPlaceAt(root, ['matrix']) : placeAt(root, ['routing', 'router', 'use']);
      reportMatrix(at, report);
    } else {
      const message = `turnout.planner: the planner "${planner}" is not supported yet, supported are: ${[...PLANNERS].join(', ')}`;
      report.error('not-supported', placeAt(root, ['turnout', 'planner']), message);
    }
  }
  const matrixPath: Path = legacy.includes('matrix') ? ['matrix'] : [...SETTINGS, 'matrix'];
  const hasMatrix = has(root, matrixPath);
  if (hasMatrix && planner !== 'matrix' && !report.hasErrors()) {
    const at = matrixPath.join('.');
    report.warning(
      'no-effect',
      keyPlaceAt(root, matrixPath),
      `${at} has no effect`,
      `the ${planner} planner is in use`,
    );
  }
  return {
    groupsPath: legacy.includes('groups') ? ['groups'] : [...SETTINGS, 'groups'],
    matrixPath: hasMatrix ? matrixPath : null,
    router,
    planner,
  };
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

/** To leave it out would change what is evicted, so a warning is not enough. */
function reportMatrix(at: Place, report: Report): void {
  const message = 'the matrix router is not supported yet, and another one would evict other models';
  report.error('not-supported', at, message, 'use groups, or say with turnout.planner: group that groups decide');
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
