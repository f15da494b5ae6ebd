/**
 * What a test gives, filled up to a whole View: what is not named is a stopped model without requests, on a quiet machine.
 * The View is built by the kernel's own code; what the test names is laid over it. Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import { loadConfig } from '../../core/config/load.ts';
import { didYouMean } from '../../core/config/nearest.ts';
import { settingsOf } from '../../core/config/settings.ts';
import { zoneOf } from '../../core/config/zone.ts';
import { emptyState, fold } from '../../core/evolve.ts';
import { type ModelId, modelId } from '../../core/ids.ts';
import { localTime } from '../../core/local-time.ts';
import { type BuiltInPlanner, NO_HINTS } from '../../core/plan.ts';
import type { BuiltInName, Settings } from '../../core/settings.ts';
import type { State } from '../../core/state.ts';
import { buildSharedView, type View } from '../../core/view.ts';
import { budgetPlanner } from '../budget.ts';
import { builtInPlanner } from '../built-in.ts';
import { givenModels, type ModelFields, readModels } from './given-models.ts';
import { asksOf } from './given-requests.ts';
import { memoryIn, momentOf, numberOf, sizeOf } from './quantity.ts';
import { type Fields, fieldsOf, listOf, oneOf, type PolicyCase, TableFault, type TablePath, textOf } from './table.ts';

export interface Stage {
  view: View;
  settings: Settings;
  fallback: BuiltInPlanner;
  builtIn(name: BuiltInName): BuiltInPlanner;
  seed: number;
  /** Null = what `initial` says. */
  state: Json | null;
  /** For `evolve`, in order, before the question. */
  events: { [name: string]: Json }[];
}

const GIVEN = [
  ...[
    'now',
    'local',
    'position',
    'target',
    'asking',
    'waiting',
    'models',
    'swaps',
    'draining',
    'devices',
    'whenProtected',
  ],
  ...['candidates', 'state', 'events', 'seed'],
];
/** A Monday, 12:00 UTC. */
const NOW = Date.UTC(2026, 0, 5, 12);

/** Throws TableFault where the case cannot be understood. */
export function stageOf(one: PolicyCase): Stage {
  const at: TablePath = [...one.path, 'given'];
  const given = fieldsOf(one.given, at, GIVEN);
  const moment = given['now'] === undefined ? { at: NOW, offsetMin: null } : momentOf(given['now'], [...at, 'now']);
  const fields = readModels(given['models'] ?? {}, [...at, 'models']);
  const settings = settingsFor(one, given, fields, moment, at);
  const data = { hash: '', trigger: 'start', settings } as const;
  const state = fold([{ type: 'config.applied', position: 1, at: 0, version: 2, data }], emptyState());
  const known = settings.models.map(({ id }) => id);
  const idIn = (value: unknown, path: TablePath): ModelId => knownModel(value, path, known);

  const target = given['target'] === undefined ? undefined : idIn(given['target'], [...at, 'target']);
  if (target === undefined && one.hook === 'plan') {
    throw new TableFault(at, '"given" must name the model that is asked for: target');
  }
  const shared = buildSharedView(state, moment.at);
  const asks = asksOf(given, target, at, idIn, one.hook === 'plan');
  const swaps = swapsOf(given['swaps'] ?? [], [...at, 'swaps'], idIn);
  const models = givenModels(shared.models, fields, swaps, [...at, 'models']);
  const view: View = {
    ...shared,
    ...asks,
    local: given['local'] === undefined ? shared.local : localIn(given['local'], [...at, 'local']),
    position: given['position'] === undefined ? shared.position : numberOf(given['position'], [...at, 'position']),
    target: target ?? modelId(''),
    models,
    swaps,
    draining: given['draining'] === undefined ? null : drainingOf(given['draining'], [...at, 'draining'], idIn),
    devices: devicesOf(shared.devices, models, given['devices'], [...at, 'devices']),
    candidates: [],
  };
  const builtIn = (name: BuiltInName) => plannerOf(name, settings, state, view);
  const fallback = builtIn(one.fallback ?? settings.fallback);
  if (target !== undefined) view.candidates = candidatesOf(given['candidates'], view, fallback, [...at, 'candidates']);
  const events = listOf(given['events'] ?? [], [...at, 'events']).map((event, n) => {
    const path = [...at, 'events', n];
    const { type, ...rest } = fieldsOf(event, path);
    return { position: n + 1, at: moment.at, version: 1, data: {}, ...rest, type: textOf(type, [...path, 'type']) };
  });
  const seed = given['seed'] === undefined ? 1 : numberOf(given['seed'], [...at, 'seed']);
  return { view, settings, fallback, builtIn, seed, state: given['state'] ?? null, events };
}

/** Local time where the clock on the wall and `now` are apart. */
function localIn(value: unknown, path: TablePath): View['local'] {
  const { at, offsetMin } = momentOf(value, path);
  return localTime({ name: 'test', offsets: [{ from: 0, offsetMin: offsetMin ?? 0 }] }, at);
}

/** Sizes come from the View, so that the budget planner counts what the test gives. */
function plannerOf(name: BuiltInName, settings: Settings, state: State, view: View): BuiltInPlanner {
  if (name !== 'budget') return builtInPlanner(name, settings, state);
  return budgetPlanner(settings, (id) => view.models.find((model) => model.id === id)?.memory.counts ?? null);
}

function settingsFor(
  one: PolicyCase,
  given: Fields,
  models: ReadonlyMap<string, ModelFields>,
  moment: { at: number; offsetMin: number | null },
  at: TablePath,
): Settings {
  const path = [...one.path, 'config'];
  const made = { models: Object.fromEntries([...models.keys()].map((id) => [id, { cmd: 'serve --port ${PORT}' }])) };
  const result = loadConfig([{ file: 'config', text: one.config ?? JSON.stringify(made) }]);
  if (!('config' in result)) {
    const [first] = result.errors;
    throw new TableFault(path, `the configuration of the case is refused, line ${first?.line}: ${first?.message}`);
  }
  const settings = settingsOf(result.config, 'only compared, never kept');
  const known = settings.models.map(({ id }) => id);
  for (const id of models.keys()) knownModel(id, [...at, 'models', id], known);
  const { timeZone } = result.config.turnout;
  const offset = { name: 'test', offsets: [{ from: 0, offsetMin: moment.offsetMin ?? 0 }] };
  settings.zone = timeZone == null ? offset : zoneOf(timeZone, moment.at);
  if (one.fallback !== null) settings.fallback = one.fallback;
  if (given['whenProtected'] !== undefined) {
    settings.protect.otherwise = oneOf(given['whenProtected'], [...at, 'whenProtected'], ['refuse', 'queue']);
  }
  for (const model of settings.models) {
    const { group, tags, priority, context, memory, protected: held } = models.get(model.id) ?? {};
    const of = [...at, 'models', model.id];
    if (group !== undefined) model.group = textOf(group, [...of, 'group']);
    if (tags !== undefined) model.tags = listOf(tags, [...of, 'tags']).map((tag) => textOf(tag, [...of, 'tags']));
    if (priority !== undefined) model.priority = numberOf(priority, [...of, 'priority']);
    if (context !== undefined) model.context = numberOf(context, [...of, 'context']);
    if (memory !== undefined && !isFull(memory)) model.memory = memoryIn(memory, [...of, 'memory']);
    if (held === true && !settings.protect.models.includes(model.id)) settings.protect.models.push(model.id);
    if (settings.groups.some(({ id }) => id === model.group)) continue;
    settings.groups.push({ id: model.group, swap: true, exclusive: true, persistent: false });
  }
  const devices = fieldsOf(given['devices'] ?? {}, [...at, 'devices']);
  for (const [id, device] of Object.entries(devices)) {
    const where = [...at, 'devices', id];
    const bytes = sizeOf(typeof device === 'object' ? fieldsOf(device, where)['totalBytes'] : device, where);
    const known = settings.devices.find((other) => other.id === id);
    if (known === undefined) settings.devices.push({ id, bytes });
    else known.bytes = bytes;
  }
  return settings;
}

/** `{ declared, observed, counts }`, and not sizes by device. */
export function isFull(memory: Json): boolean {
  return typeof memory === 'object' && memory !== null && ('declared' in memory || 'counts' in memory);
}

function knownModel(value: unknown, path: TablePath, known: readonly ModelId[]): ModelId {
  const id = textOf(value, path);
  const found = known.find((one) => one === id);
  if (found !== undefined) return found;
  const help = didYouMean(id, known) ?? `known are ${known.join(', ') || 'none: name it under given.models'}`;
  throw new TableFault(path, `there is no model "${id}"; ${help}`);
}

type IdIn = (value: unknown, path: TablePath) => ModelId;

function idsOf(value: unknown, path: TablePath, idIn: IdIn): ModelId[] {
  return listOf(value ?? [], path).map((id, n) => idIn(id, [...path, n]));
}

function swapsOf(value: unknown, path: TablePath, idIn: IdIn): View['swaps'] {
  return listOf(value, path).map((swap, n) => {
    const at = [...path, n];
    const one = fieldsOf(swap, at, ['target', 'evict', 'phase', 'ageMs']);
    return {
      target: idIn(one['target'], [...at, 'target']),
      evict: idsOf(one['evict'], [...at, 'evict'], idIn),
      phase: oneOf(one['phase'] ?? 'starting', [...at, 'phase'], ['stopping', 'starting']),
      ageMs: numberOf(one['ageMs'] ?? 0, [...at, 'ageMs']),
    };
  });
}

function drainingOf(value: unknown, path: TablePath, idIn: IdIn): View['draining'] {
  if (value === null) return null;
  const one = fieldsOf(value, path, ['target', 'evict']);
  return { target: idIn(one['target'], [...path, 'target']), evict: idsOf(one['evict'], [...path, 'evict'], idIn) };
}

/** What models that are alive take counts as reserved, unless the test says otherwise. */
function devicesOf(shared: View['devices'], models: View['models'], given: unknown, path: TablePath): View['devices'] {
  const fields = fieldsOf(given ?? {}, path);
  const pool = shared.filter(({ id }) => id !== 'ram');
  return shared.map((device) => {
    const value = fields[device.id];
    const at = [...path, device.id];
    const one = typeof value === 'object' ? fieldsOf(value, at, ['totalBytes', 'freeBytes', 'reservedBytes']) : {};
    const isOnlyOne = pool.length === 1 && pool[0]?.id === device.id;
    const taken = models.map(({ phase, memory: { counts } }) => {
      if (phase === 'stopped' || counts === null) return 0;
      return typeof counts === 'number' ? (isOnlyOne ? counts : 0) : (counts[device.id] ?? 0);
    });
    const { freeBytes, reservedBytes } = one;
    return {
      ...device,
      freeBytes: freeBytes == null ? null : sizeOf(freeBytes, [...at, 'freeBytes']),
      reservedBytes:
        reservedBytes === undefined
          ? taken.reduce((a, b) => a + b, 0)
          : sizeOf(reservedBytes, [...at, 'reservedBytes']),
    };
  });
}

function candidatesOf(given: unknown, view: View, fallback: BuiltInPlanner, path: TablePath): View['candidates'] {
  if (given === undefined) return fallback.candidates(view, NO_HINTS);
  const known = view.models.map(({ id }) => id);
  return listOf(given, path).map((candidate, n) => {
    const at = [...path, n];
    const one = fieldsOf(candidate, at, ['evict', 'frees', 'reloadMs', 'reason']);
    return {
      evict: idsOf(one['evict'], [...at, 'evict'], (id, where) => knownModel(id, where, known)),
      frees: sizeOf(one['frees'] ?? 0, [...at, 'frees']),
      reloadMs: numberOf(one['reloadMs'] ?? 0, [...at, 'reloadMs']),
      reason: textOf(one['reason'] ?? 'given', [...at, 'reason']),
    };
  });
}
