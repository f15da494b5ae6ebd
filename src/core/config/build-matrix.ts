/**
 * The matrix (spec 2.7): names resolved, expressions parsed, references checked. Problems of an expression point into it.
 * Must never decide what is evicted.
 */
import type { ModelId } from '../ids.ts';
import { modelId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { MatrixConfig, ModelConfig } from './config.ts';
import { leavesOf, parseExpression } from './matrix-expression.ts';
import { checkReferences } from './matrix-references.ts';
import { didYouMean } from './nearest.ts';
import { placerOf } from './place-in-text.ts';
import type { Report } from './report.ts';
import type { RawMatrix } from './schema-routing.ts';
import type { Place } from './source.ts';
import { isNull, keyPlaceAt, nodeAt, type Path, placeAt, type TreeNode } from './tree.ts';

const VAR_NAME = /^[a-zA-Z0-9.-]{1,32}$/;

export type Models = Map<ModelId, ModelConfig>;

export function buildMatrix(raw: RawMatrix, path: Path, root: TreeNode, models: Models, report: Report): MatrixConfig {
  const vars = readVars(raw, path, root, models, report);
  /** A var shadows a model of the same name. */
  const modelOf = (name: string): ModelId | undefined =>
    vars.get(name) ?? (models.has(modelId(name)) ? modelId(name) : undefined);
  const known = () => [...vars.keys(), ...models.keys()];
  const evictCosts = new Map<ModelId, number>();
  for (const [name, cost] of Object.entries(raw.evict_costs)) {
    const id = modelOf(name);
    if (cost < 1) {
      const message = `matrix: evict_costs.${name} must be a positive integer, got ${cost}`;
      report.error('invalid-value', placeAt(root, [...path, 'evict_costs', name]), message);
    }
    if (id !== undefined) evictCosts.set(id, cost);
    else {
      const message = `matrix: evict_costs: unknown var or model "${name}"`;
      report.error('unknown-model', keyPlaceAt(root, [...path, 'evict_costs', name]), message, () =>
        didYouMean(name, known()),
      );
    }
  }
  const sets = readSets(raw, path, root, report);
  checkReferences(
    sets,
    [...path, 'sets'],
    root,
    (set, leaf) => placeIn(set.name, set.text, path, root)(leaf.start, leaf.end),
    report,
  );
  for (const set of sets) {
    const place = placeIn(set.name, set.text, path, root);
    const told = new Set<string>();
    for (const leaf of leavesOf(set.expression)) {
      if (leaf.kind !== 'name' || told.has(leaf.name) || modelOf(leaf.name) !== undefined) continue;
      if (told.size >= LIMITS.configDiagnosticsMax) break;
      told.add(leaf.name);
      const message = `matrix: set "${set.name}": unknown var or model "${leaf.name}"`;
      report.error('unknown-model', place(leaf.start, leaf.end), message, () => unknownHelp(leaf.name, models, known));
    }
  }
  return { vars, evictCosts, sets };
}

function unknownHelp(name: string, models: Models, known: () => string[]): string | null {
  for (const model of models.values()) {
    if (model.aliases.includes(name)) return `"${name}" is an alias, write "${model.id}"`;
  }
  return didYouMean(name, known());
}

function readVars(raw: RawMatrix, path: Path, root: TreeNode, models: Models, report: Report): Map<string, ModelId> {
  const vars = new Map<string, ModelId>();
  for (const [name, target] of Object.entries(raw.vars)) {
    const at: Path = [...path, 'vars', name];
    if (!VAR_NAME.test(name)) {
      const message = `matrix: invalid var name "${name}"`;
      report.error('matrix', keyPlaceAt(root, at), message, 'use up to 32 letters, digits, "." and "-"');
    }
    if (!models.has(modelId(target))) {
      const message = `matrix: var "${name}" references unknown model "${target}"`;
      report.error('unknown-model', placeAt(root, at), message, () =>
        unknownHelp(target, models, () => [...models.keys()]),
      );
    }
    vars.set(name, modelId(target));
  }
  return vars;
}

type Sets = MatrixConfig['sets'];

function readSets(raw: RawMatrix, path: Path, root: TreeNode, report: Report): Sets {
  const node = nodeAt(root, [...path, 'sets']);
  const sets: Sets = [];
  // the order of the file breaks ties
  const names = node?.kind === 'map' ? [...node.entries.keys()] : [];
  // a value of another kind was told already
  if (names.length === 0 && (node === undefined || node.kind === 'map' || isNull(node))) {
    report.error('matrix', placeAt(root, path), 'matrix: must define at least one set');
  }
  for (const name of names) {
    const text = raw.sets[name];
    if (text === undefined) continue;
    const parsed = parseExpression(text);
    if ('expression' in parsed) sets.push({ name, text, expression: parsed.expression });
    else {
      const at = placeIn(name, text, path, root)(parsed.start, parsed.end);
      report.error('matrix-expression', at, `matrix: set "${name}": ${parsed.problem}`);
    }
  }
  return sets;
}

type PlaceIn = (start: number, end: number) => Place;

/** Compares the texts on the first question only: most expressions have no problem. */
function placeIn(name: string, text: string, path: Path, root: TreeNode): PlaceIn {
  let placer: PlaceIn | null = null;
  return (start, end) => {
    const at: Path = [...path, 'sets', name];
    const node = nodeAt(root, at);
    if (node?.kind !== 'scalar' || node.text === '') return placeAt(root, at);
    placer ??= placerOf(node, text);
    return placer(start, end);
  };
}
