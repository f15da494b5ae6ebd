/**
 * The models that a test gives, laid over what the kernel makes of the settings. What follows from what is named is filled
 * in: who serves is busy, who is ready has been idle for a minute, who is pinned cannot be evicted. Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import type { ModelView, ServingView, View } from '../../core/view.ts';
import { readServing } from './given-requests.ts';
import { durationOf, memoryIn, momentOf, numberOf, plainValue } from './quantity.ts';
import { fieldsOf, listOf, oneOf, TableFault, type TablePath, textOf } from './table.ts';

export type ModelFields = { [name in (typeof MODEL)[number]]?: Json };

const MODEL = [
  ...([
    'phase',
    'group',
    'tags',
    'priority',
    'inFlight',
    'serving',
    'lastClient',
    'stale',
    'idleMs',
    'loadedMs',
  ] as const),
  ...(['loadMs', 'requestsLastHour', 'askedAgoMs', 'cachedTokens', 'prefillPerSecond', 'context', 'memory'] as const),
  ...(['pinned', 'protected', 'etaMs', 'evictable'] as const),
];
const PHASES = ['stopped', 'starting', 'ready', 'stopping'] as const;
/** How long a ready model has been idle when a test does not say. */
const IDLE_MS = 60_000;
/** What holds a model back, as `evictable` tells it. */
const RULES = ['busy', 'lease', 'minResidency', 'swap', 'pinned', 'protected'] as const;

export function readModels(data: unknown, path: TablePath): Map<string, ModelFields> {
  const models = fieldsOf(data, path);
  return new Map(
    Object.entries(models).map(([id, fields]) => [id, fieldsOf(fields ?? {}, [...path, id], MODEL) as ModelFields]),
  );
}

export function givenModels(
  base: readonly ModelView[],
  given: ReadonlyMap<string, ModelFields>,
  swaps: View['swaps'],
  path: TablePath,
): ModelView[] {
  return base.map((model) => modelOf(model, given.get(model.id) ?? {}, swaps, [...path, model.id]));
}

function modelOf(base: ModelView, given: ModelFields, swaps: View['swaps'], at: TablePath): ModelView {
  /** The given value through a reader, or what stands in for it. */
  const field = <T>(name: keyof ModelFields, read: (value: Json, path: TablePath) => T, otherwise: T): T => {
    const value = given[name];
    return value === undefined ? otherwise : read(value, [...at, name]);
  };
  const orNull =
    <T>(read: (value: Json, path: TablePath) => T) =>
    (value: Json, path: TablePath): T | null =>
      value === null ? null : read(value, path);

  const serving = field('serving', readServing, madeUp(field('inFlight', numberOf, 0)));
  const busy = serving.length > 0;
  const phase = field('phase', (value, path) => oneOf(value, path, PHASES), busy ? 'ready' : 'stopped');
  if (busy && (phase === 'stopped' || phase === 'starting')) {
    throw new TableFault(at, `a model that is ${phase} cannot serve ${serving.length} requests`);
  }
  const ready = phase === 'ready';
  const idleMs = field('idleMs', orNull(durationOf), ready ? (busy ? 0 : IDLE_MS) : null);
  const pinned = field('pinned', (value, path) => pinOf(value, path), null);
  const loadMs = field('loadMs', loadMsOf, base.loadMs);
  const model: ModelView = {
    ...base,
    phase,
    serving,
    inFlight: field('inFlight', numberOf, serving.length),
    lastClient: field('lastClient', orNull(textOf), serving.at(-1)?.client ?? null),
    stale: given.stale === true,
    idleMs,
    loadedMs: field('loadedMs', orNull(durationOf), ready ? (idleMs ?? 0) + IDLE_MS : null),
    loadMs,
    requestsLastHour: field('requestsLastHour', numberOf, 0),
    askedAgoMs: field('askedAgoMs', (value, path) => listOf(value, path).map((one) => durationOf(one, path)), []),
    cachedTokens: field('cachedTokens', orNull(numberOf), null),
    prefillPerSecond: field('prefillPerSecond', orNull(numberOf), null),
    memory: field('memory', (value, path) => memoryOf(value, path, base), base.memory),
    pinned,
    etaMs: field('etaMs', orNull(durationOf), ready ? null : (loadMs.median ?? base.etaMs)),
  };
  return { ...model, evictable: field('evictable', evictableOf, evictable(model, swaps)) };
}

function madeUp(count: number): ServingView[] {
  return readServing(
    Array.from({ length: count }, () => ({})),
    [],
  );
}

/** `true`, an owner, or `{ owner, until }`. */
function pinOf(value: Json, path: TablePath): ModelView['pinned'] {
  if (value === null || value === false) return null;
  if (value === true || typeof value === 'string') return { owner: value === true ? 'operator' : value, until: null };
  const { owner = 'operator', until = null } = fieldsOf(value, path, ['owner', 'until']);
  return {
    owner: textOf(owner, [...path, 'owner']),
    until: until === null ? null : momentOf(until, [...path, 'until']).at,
  };
}

/** A duration, or `{ last, median }`. */
function loadMsOf(value: Json, path: TablePath): ModelView['loadMs'] {
  if (typeof value !== 'object' || value === null) {
    const ms = value === null ? null : durationOf(value, path);
    return { last: ms, median: ms };
  }
  const { last = null, median = null } = fieldsOf(value, path, ['last', 'median']);
  const ms = (one: Json) => (one === null ? null : durationOf(one, path));
  return { last: ms(last), median: ms(median) };
}

/** A size, sizes by device, or `{ declared, observed, counts }`. */
function memoryOf(value: Json, path: TablePath, base: ModelView): ModelView['memory'] {
  if (typeof value !== 'object' || value === null || !('declared' in value || 'counts' in value)) {
    const size = value === null ? null : memoryIn(value, path);
    return { declared: size, observed: null, counts: size };
  }
  const one = fieldsOf(value, path, ['declared', 'observed', 'counts']);
  const read = (name: string) => (one[name] == null ? null : memoryIn(one[name], [...path, name]));
  const declared = read('declared') ?? base.memory.declared;
  const observed = read('observed');
  if (typeof observed === 'number') throw new TableFault([...path, 'observed'], '"observed" must be sizes by device');
  return { declared, observed, counts: read('counts') ?? observed ?? declared };
}

function evictableOf(value: Json, path: TablePath): ModelView['evictable'] {
  if (value === true) return true;
  const { rule, until } = fieldsOf(typeof value === 'string' ? { rule: value } : value, path, ['rule', 'until']);
  const named = oneOf(rule, [...path, 'rule'], RULES);
  return until === undefined
    ? { rule: named }
    : { rule: named, until: numberOf(plainValue('until', until, path), path) };
}

/** As the kernel tells it, in its order. */
function evictable(model: ModelView, swaps: View['swaps']): ModelView['evictable'] {
  if (swaps.some(({ target, evict }) => target === model.id || evict.includes(model.id))) return { rule: 'swap' };
  if (model.phase !== 'stopped' && model.pinned !== null) {
    const { until } = model.pinned;
    return until === null ? { rule: 'pinned' } : { rule: 'pinned', until };
  }
  if (model.phase !== 'stopped' && model.protected) return { rule: 'protected' };
  if (model.inFlight > 0) return { rule: 'busy' };
  return model.phase === 'starting' ? { rule: 'lease' } : true;
}
