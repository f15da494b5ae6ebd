/**
 * `turnout.policy`: the user's own files, made absolute, and their options. Says where something of it has no effect.
 * Must never read a policy file.
 */
import { dirname, resolve } from 'node:path';
import { jsonMap } from './build-filters.ts';
import type { Routing } from './build-router.ts';
import type { PolicyConfig } from './config.ts';
import type { Report } from './report.ts';
import type { RawConfig } from './schema.ts';
import { keyPlaceAt, type Path, pathText, placeAt, type TreeNode } from './tree.ts';

const PATH: Path = ['turnout', 'policy'];

interface Policies {
  /** Null when none is named. */
  policy: PolicyConfig | null;
  shadow: PolicyConfig[];
}

export function buildPolicies(raw: RawConfig, root: TreeNode, planner: Routing['planner'], report: Report): Policies {
  const written = raw.turnout.policy;
  const parts = typeof written === 'object' ? written : { file: written, options: {}, shadow: [], fallback: undefined };
  const { file } = parts;
  if (planner === 'policy' && file === undefined) {
    const message = 'turnout.planner is policy but turnout.policy names no file';
    const help = 'write for example "policy: ./policies/mine.ts" under turnout';
    report.error('conflict', placeAt(root, ['turnout', 'planner']), message, help);
  }
  const unused = (path: Path, why: string): void =>
    report.warning('no-effect', keyPlaceAt(root, path), `${pathText(path)} has no effect`, why);
  const byPlanner = `the ${planner} planner is in use, write "planner: policy"`;
  if (file !== undefined && planner !== 'policy')
    unused(typeof written === 'string' ? PATH : [...PATH, 'file'], byPlanner);
  if (parts.fallback !== undefined && planner !== 'policy') unused([...PATH, 'fallback'], byPlanner);
  if (file === undefined && Object.keys(parts.options).length > 0) {
    unused([...PATH, 'options'], 'turnout.policy names no file');
  }
  const options = jsonMap(parts.options, [...PATH, 'options'], root, report);
  return {
    policy: file === undefined ? null : { file: fileAt(file, [...PATH, 'file'], root), options },
    shadow: parts.shadow.map((name, i) => ({ file: fileAt(name, [...PATH, 'shadow', i], root), options: {} })),
  };
}

/** Relative to the file that names it. */
function fileAt(file: string, path: Path, root: TreeNode): string {
  return resolve(dirname(placeAt(root, path).source.file), file);
}
