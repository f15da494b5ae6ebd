/**
 * Whether the targets of a spillover selector can share the load (spec 2.9): those of this machine must be different models
 * that what is in charge lets run together. Must never ask what runs.
 */
import type { ModelId } from '../ids.ts';
import { fits } from '../memory.ts';
import type { BuiltInName } from '../settings.ts';
import type { Known, RawSelector } from './build-selectors.ts';
import { matrixFits } from './matrix-fit.ts';
import type { Report } from './report.ts';
import { placeAt, type TreeNode } from './tree.ts';

/** Targets that would evict each other could never share the load. */
export function checkSpillover(
  id: string,
  { targets }: RawSelector,
  root: TreeNode,
  known: Known,
  report: Report,
): void {
  const seen = new Map<string, string>();
  const local: ModelId[] = [];
  targets.forEach((target, i) => {
    const model = known.names.get(target);
    const remote = known.peerNames.get(target);
    if (model === undefined && remote === undefined) return;
    const key = model === undefined ? `peer ${remote?.peer}/${remote?.model}` : `model ${model}`;
    const first = seen.get(key);
    if (first !== undefined) {
      const message = `selectors.${id}: spillover targets "${first}" and "${target}" are the same model`;
      report.error('selector', placeAt(root, ['selectors', id, 'targets', i]), message);
      return;
    }
    seen.set(key, target);
    if (model !== undefined) local.push(model);
  });
  if (local.length < 2) return;
  const problem = PROBLEM[known.law](local, known);
  if (problem === null) return;
  const at = placeAt(root, ['selectors', id, 'targets']);
  report.error('selector', at, `selectors.${id}: spillover targets ${problem}`, 'otherwise they evict each other');
}

/** Why these models cannot run at the same time, or null. */
const PROBLEM: Record<BuiltInName, (local: ModelId[], known: Known) => string | null> = {
  group: groupProblem,
  matrix: matrixProblem,
  budget: memoryProblem,
};

function groupProblem(local: ModelId[], { models, groups }: Known): string | null {
  const used = new Set(local.map((id) => models.get(id)?.group));
  const [only] = used;
  const together = used.size === 1 && groups.find((group) => group.id === only)?.swap === false;
  return together ? null : 'must all be in one group with swap: false';
}

function matrixProblem(local: ModelId[], { matrix }: Known): string | null {
  const fits = matrix === null ? true : matrixFits(matrix, local);
  if (fits === null) return 'are too many to tell whether one matrix set holds them all';
  return fits ? null : 'must all fit in one set of the matrix';
}

/** Only what is declared can tell; a model without a size may turn out to be small. */
function memoryProblem(local: ModelId[], { models, devices }: Known): string | null {
  const sizes = local.map((id) => models.get(id)?.memory ?? null).filter((memory) => memory !== null);
  if (devices.size === 0) return null;
  const fit = fits(
    [...devices].map(([id, bytes]) => ({ id, bytes })),
    sizes,
  );
  return fit ? null : 'must all fit into the memory of turnout.devices';
}
