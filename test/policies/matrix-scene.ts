/** Matrices as people write them, views of a few models, and what a set stands for when it is written out in full. */
import { parseExpression } from '../../src/core/config/matrix-expression.ts';
import { modelId } from '../../src/core/ids.ts';
import type { MatrixSettings, SetExpression, Settings } from '../../src/core/settings.ts';
import type { ModelView, View } from '../../src/core/view.ts';
import { type GroupSpec, settingsFor } from '../core/harness.ts';

export function matrixOf(sets: Record<string, string>, evictCosts: Record<string, number> = {}): MatrixSettings {
  const entries = Object.entries(sets);
  return {
    sets: entries.map(([name, text]) => ({ name, text, expression: expressionOf(text) })),
    evictCosts,
  };
}

function expressionOf(text: string): SetExpression {
  const parsed = parseExpression(text);
  if (!('expression' in parsed)) throw new Error(`${text}: ${parsed.problem}`);
  const plain = (one: typeof parsed.expression): SetExpression => {
    if (one.kind === 'name') return { kind: 'model', id: modelId(one.name) };
    if (one.kind === 'set') return { kind: 'set', name: one.name };
    return { kind: one.kind, parts: one.parts.map(plain) };
  };
  return plain(parsed.expression);
}

export function matrixSettings(matrix: MatrixSettings, models: string[] = modelsOf(matrix)): Settings {
  const named = Object.fromEntries(models.map((id) => [id, {}]));
  return settingsFor({ groups: {}, models: named, settings: { planner: 'matrix', fallback: 'matrix', matrix } });
}

function modelsOf(matrix: MatrixSettings): string[] {
  const ids = (expression: SetExpression): string[] => {
    if (expression.kind === 'model') return [expression.id];
    return expression.kind === 'set' ? [] : expression.parts.flatMap(ids);
  };
  return [...new Set(matrix.sets.flatMap((set) => ids(set.expression)))];
}

export interface Scene {
  target: string;
  /** In this order; loaded and idle unless it says otherwise. */
  alive?: Record<string, Partial<ModelView>> | string[];
  groups?: Record<string, GroupSpec>;
  swaps?: { target: string; evict: string[] }[];
  view?: Partial<View>;
}

/** What a planner would be shown: the target is stopped unless it is among the alive. */
export function viewOf({ target, alive = [], groups = {}, swaps = [], view }: Scene): View {
  const specs = Array.isArray(alive) ? Object.fromEntries(alive.map((id) => [id, {}])) : alive;
  const ids = new Set([...Object.keys(specs), target, ...swaps.map((swap) => swap.target)]);
  return {
    position: 1,
    now: 1_000_000,
    local: { iso: '2026-01-05T12:00:00+00:00', weekday: 1, hour: 12, minute: 0, offsetMin: 0 },
    target: modelId(target),
    asking: [],
    waiting: [],
    waitingTotal: { [target]: 1 },
    models: [...ids].map((id) => {
      const group = Object.entries(groups).find(([, one]) => one.members.includes(id))?.[0] ?? '(default)';
      return { ...modelView(id, specs[id] === undefined ? 'stopped' : 'ready'), group, ...specs[id] };
    }),
    swaps: swaps.map((swap) => ({
      target: modelId(swap.target),
      evict: swap.evict.map(modelId),
      phase: 'stopping',
      ageMs: 1_000,
    })),
    draining: null,
    devices: [],
    whenProtected: 'queue',
    candidates: [],
    ...view,
  };
}

function modelView(id: string, phase: ModelView['phase']): ModelView {
  return {
    id: modelId(id),
    phase,
    group: '(default)',
    tags: [],
    priority: 0,
    inFlight: 0,
    serving: [],
    lastClient: null,
    stale: false,
    idleMs: phase === 'ready' ? 60_000 : null,
    loadedMs: phase === 'ready' ? 60_000 : null,
    loadMs: { last: null, median: null },
    requestsLastHour: 0,
    askedAgoMs: [],
    cachedTokens: null,
    prefillPerSecond: null,
    context: 0,
    memory: { declared: null, observed: null, counts: null },
    pinned: null,
    protected: false,
    etaMs: null,
    evictable: true,
  };
}

/** Every set that an expression stands for, in reading order; the first factor of an `&` changes slowest. */
export function expand(expression: SetExpression, sets: MatrixSettings['sets']): Set<string>[] {
  if (expression.kind === 'model') return [new Set([expression.id])];
  if (expression.kind === 'set') {
    const set = sets.find(({ name }) => name === expression.name);
    if (set === undefined) throw new Error(`no set ${expression.name}`);
    return expand(set.expression, sets);
  }
  const families = expression.parts.map((part) => expand(part, sets));
  if (expression.kind === 'or') return families.flat();
  return families.reduce((all, family) => all.flatMap((one) => family.map((other) => one.union(other))));
}

/** As in the file, but a set comes after those that it refers to. */
export function processingOrder(sets: MatrixSettings['sets']): MatrixSettings['sets'] {
  const done: MatrixSettings['sets'] = [];
  const references = (expression: SetExpression): string[] => {
    if (expression.kind === 'model') return [];
    return expression.kind === 'set' ? [expression.name] : expression.parts.flatMap(references);
  };
  const place = (set: MatrixSettings['sets'][number]): void => {
    if (done.includes(set)) return;
    for (const name of references(set.expression)) place(sets.find((one) => one.name === name) ?? set);
    done.push(set);
  };
  for (const set of sets) place(set);
  return done;
}

/** How many sets an expression stands for. */
export function combinations(expression: SetExpression, sets: MatrixSettings['sets']): number {
  if (expression.kind === 'model') return 1;
  if (expression.kind === 'set') {
    const set = sets.find(({ name }) => name === expression.name);
    return set === undefined ? 0 : combinations(set.expression, sets);
  }
  const counts = expression.parts.map((part) => combinations(part, sets));
  return counts.reduce((all, count) => (expression.kind === 'or' ? all + count : all * count));
}

/** Whether some set holds all of these, found by joining every choice with every other. */
export function permits(matrix: MatrixSettings, models: readonly string[]): boolean {
  const all = 2 ** models.length - 1;
  const masksOf = (expression: SetExpression): Set<number> => {
    if (expression.kind === 'model') {
      const index = models.indexOf(expression.id);
      return new Set([index < 0 ? 0 : 2 ** index]);
    }
    if (expression.kind === 'set') {
      const set = matrix.sets.find(({ name }) => name === expression.name);
      return set === undefined ? new Set() : masksOf(set.expression);
    }
    const families = expression.parts.map(masksOf);
    if (expression.kind === 'or') return new Set(families.flatMap((masks) => [...masks]));
    return families.reduce(unions);
  };
  return matrix.sets.some(({ expression }) => masksOf(expression).has(all));
}

function unions(left: Set<number>, right: Set<number>): Set<number> {
  const all = new Set<number>();
  for (const a of left) for (const b of right) all.add(a | b);
  return all;
}
