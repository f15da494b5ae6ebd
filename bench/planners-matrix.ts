/**
 * What the matrix costs where writing its sets out would be hopeless: ten groups of ten alternatives joined by `&` stand
 * for ten thousand million sets. Time and memory of making it ready and of one decision, from nothing to everything loaded.
 * Must never share a solver between tries: what it remembers would make the next one cheap.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ModelId, modelId } from '../src/core/ids.ts';
import type { MatrixSettings, SetExpression } from '../src/core/settings.ts';
import { compileMatrix } from '../src/policies/matrix-compile.ts';
import { matrixSolver } from '../src/policies/matrix-solve.ts';
import { median, type Outcome, percentile } from './scenario.ts';

const GROUPS = 10;
const TRIES = 200;
const WARM_UP = 50;
const MIB = 1024 ** 2;

const idOf = (group: number, no: number): ModelId => modelId(`g${group}m${no}`);

/** `groups` brackets of `size` alternatives each, joined by `&`. */
export function groupsJoined(groups: number, size: number): MatrixSettings {
  const parts = Array.from({ length: groups }, (_, group): SetExpression => {
    return { kind: 'or', parts: Array.from({ length: size }, (_, no) => ({ kind: 'model', id: idOf(group, no) })) };
  });
  return { sets: [{ name: 'all', text: '', expression: { kind: 'and', parts } }], evictCosts: {} };
}

export interface MatrixCost {
  readyMs: number;
  decisionMs: number;
  /** Allocated meanwhile, so at least what was held at once. */
  bytes: number;
  evicted: number;
}

/** One matrix made ready, and one question to it, with two models of each group running. */
export function decideOnce(matrix: MatrixSettings): MatrixCost {
  const running = Array.from({ length: 2 * GROUPS }, (_, i) => idOf(i % GROUPS, 1 + Math.floor(i / GROUPS)));
  const question = { target: idOf(0, 0), running };
  const before = process.memoryUsage().heapUsed;
  const begin = performance.now();
  const solver = matrixSolver(compileMatrix(matrix), () => 1);
  const ready = performance.now();
  const { evict } = solver.best(question);
  const decided = performance.now();
  const bytes = process.memoryUsage().heapUsed - before;
  return { readyMs: ready - begin, decisionMs: decided - ready, bytes, evicted: evict.length };
}

export function timeMatrix(): Outcome {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const rows = [1, 3, 10, 20].map((size) => {
    const matrix = groupsJoined(GROUPS, size);
    for (let n = 0; n < WARM_UP; n++) decideOnce(matrix);
    collect();
    const costs = Array.from({ length: TRIES }, () => decideOnce(matrix));
    const of = (part: 'readyMs' | 'decisionMs') => costs.map((cost) => cost[part]).sort((a, b) => a - b);
    const [ready, decision] = [of('readyMs'), of('decisionMs')];
    const bytes = Math.max(...costs.map((cost) => cost.bytes));
    return {
      name: `${GROUPS} groups of ${size}`,
      values: [
        `${(size ** GROUPS).toExponential(0)}`,
        median(ready),
        percentile(ready, 0.99),
        median(decision),
        percentile(decision, 0.99),
        bytes / MIB,
      ],
    };
  });
  const columns = ['sets', 'make ready p50 ms', 'p99 ms', 'decision p50 ms', 'p99 ms', 'most allocated MiB'];
  const note = `groups joined by "&", two models of each running; ${TRIES} tries, each from the expression on`;
  return { tables: [{ title: 'a matrix that must not expand', note, columns, rows }], errors: [] };
}
