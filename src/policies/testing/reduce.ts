/**
 * Turns a recorded decision into a case of a test table: the configuration as far as planners see it, and of the View what
 * is not as it would be filled in anyway. Read again, the case gives the same View (ids of requests and the position
 * apart). Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import { yamlOf } from '../../core/config/yaml-data.ts';
import type { Verdict } from '../../core/events.ts';
import type { Memory, Settings } from '../../core/settings.ts';
import type { ModelView, View, WaitingView } from '../../core/view.ts';
import { stageOf } from './given.ts';
import type { Recorded } from './recorded.ts';
import { matrixFields } from './reduce-matrix.ts';
import type { Fields } from './table.ts';

/** Filled in from others, so they come first. */
const FIRST = ['phase', 'serving', 'pinned'] as const;
const REST = [
  ...([
    'group',
    'tags',
    'priority',
    'lastClient',
    'stale',
    'idleMs',
    'loadedMs',
    'loadMs',
    'requestsLastHour',
  ] as const),
  ...(['askedAgoMs', 'cachedTokens', 'prefillPerSecond', 'context', 'memory', 'protected', 'etaMs'] as const),
];

/** `memory`: what the policy remembered then; undefined = nothing, or it is not known. */
export function caseFrom(recorded: Recorded, options: Fields, memory?: Json): Fields {
  const { view, settings, decision } = recorded;
  const config = yamlOf(configFields(view, settings));
  const given: Fields = { ...momentFields(view), target: view.target };
  const keepIds = JSON.stringify(decision.data.verdict).includes('"requests"');
  const isAlone = view.waiting.every(({ model }) => model === view.target);
  given[isAlone ? 'asking' : 'waiting'] = view.waiting.map((one) => waitingFields(one, !isAlone, keepIds));
  if (view.swaps.length > 0) given['swaps'] = view.swaps.map((swap) => ({ ...swap }));
  if (view.draining !== null) given['draining'] = { ...view.draining };
  if (decision.data.seed !== 1) given['seed'] = decision.data.seed;
  if (memory !== undefined && memory !== null) given['state'] = memory;

  const whole = { name: `decision ${decision.position}`, hook: 'plan', options, fallback: settings.fallback } as const;
  const again = () => stageOf({ ...whole, given, expect: {}, config, path: [] }).view;
  const models: Record<string, Fields> = {};
  given['models'] = models;
  for (const names of [FIRST, REST, ['evictable'] as const]) {
    const filled = again();
    for (const model of view.models) {
      const base = filled.models.find(({ id }) => id === model.id) as ModelView;
      for (const name of names) {
        if (same(model[name], base[name])) continue;
        models[model.id] ??= {};
        (models[model.id] as Fields)[name] = jsonOf(
          name === 'serving' ? model.serving.map(servingFields(keepIds)) : model[name],
        );
      }
    }
  }
  const filled = again();
  const devices = view.devices.filter((device, n) => !same(device, filled.devices[n]));
  if (devices.length > 0) {
    given['devices'] = Object.fromEntries(devices.map(({ id, ...device }) => [id, withoutNulls(device)]));
  }
  if (!same(view.candidates, filled.candidates)) given['candidates'] = jsonOf(view.candidates);
  return {
    name: `decision ${decision.position}: ${wordsOf(decision.data.verdict)} for ${view.target}`,
    config,
    fallback: settings.fallback,
    ...(Object.keys(options).length === 0 ? {} : { options }),
    given,
    expect: { resolved: expectedOf(decision.data.verdict) },
  };
}

/** What was decided, without what words and figures it was given. */
function expectedOf(verdict: Verdict): Json {
  const { reason: _reason, ...rest } = verdict;
  if ('alternatives' in rest) delete rest.alternatives;
  return jsonOf(rest);
}

function wordsOf(verdict: Verdict): string {
  if (verdict.action !== 'swap') return verdict.action;
  return verdict.evict.length === 0 ? 'load' : `evict ${verdict.evict.join(' and ')}`;
}

/** Only what planners look at. Command lines are not known here, and do not matter. */
function configFields(view: View, settings: Settings): Fields {
  const { groups, devices, protect, matrix } = settings;
  const turnout: Fields = {};
  if (devices.length > 0)
    turnout['devices'] = Object.fromEntries(devices.map(({ id, bytes }) => [id, sizeText(bytes)]));
  if (protect.models.length > 0 || protect.otherwise !== 'queue') turnout['protect'] = jsonOf(protect);
  const config: Fields = {
    // those that left the configuration and still run are models too
    models: Object.fromEntries(
      view.models.map(({ id, memory: { declared }, tags }) => {
        const own: Fields = {};
        if (declared !== null && isWritable(declared)) own['memory'] = memoryText(declared);
        if (tags.length > 0) own['tags'] = tags;
        const fields: Fields = { cmd: 'serve --port ${PORT}' };
        const ttlMs = settings.models.find((model) => model.id === id)?.ttlMs ?? 0;
        if (ttlMs > 0) fields['ttl'] = Math.max(1, Math.round(ttlMs / 1_000));
        return [id, Object.keys(own).length === 0 ? fields : { ...fields, turnout: own }];
      }),
    ),
  };
  const named = groups.filter(({ id }) => id !== '(default)' && view.models.some(({ group }) => group === id));
  const isMatrix = matrix !== null && settings.fallback === 'matrix';
  if (named.length > 0 && !isMatrix) {
    config['groups'] = Object.fromEntries(
      named.map(({ id, swap, exclusive, persistent }) => {
        const members = view.models.filter(({ group }) => group === id).map((model) => model.id);
        return [id, { swap, exclusive, persistent, members }];
      }),
    );
  }
  if (isMatrix) config['matrix'] = matrixFields(matrix);
  if (Object.keys(turnout).length > 0) config['turnout'] = turnout;
  return config;
}

/** A configuration cannot say that a model takes nothing. */
function isWritable(memory: Memory): boolean {
  const sizes = typeof memory === 'number' ? [memory] : Object.values(memory);
  return sizes.length > 0 && sizes.every((size) => size > 0);
}

function memoryText(memory: Memory): Json {
  if (typeof memory === 'number') return sizeText(memory);
  return Object.fromEntries(Object.entries(memory).map(([device, bytes]) => [device, sizeText(bytes)]));
}

/** As people write it, where that is exact. */
function sizeText(bytes: number): Json {
  if (bytes > 0 && bytes % 1_024 ** 3 === 0) return `${bytes / 1_024 ** 3}GiB`;
  return bytes > 0 && bytes % 1_024 ** 2 === 0 ? `${bytes / 1_024 ** 2}MiB` : bytes;
}

/** With the offset of then, so that local time is the same again; `local` where the clock on the wall was set meanwhile. */
function momentFields({ now, local }: View): Fields {
  const offset = local.iso.slice(-6);
  const text = new Date(now + local.offsetMin * 60_000).toISOString().replace('Z', offset);
  return Math.floor(now / 1_000) * 1_000 === Date.parse(local.iso) ? { now: text } : { now: text, local: local.iso };
}

function waitingFields(one: WaitingView, withModel: boolean, keepIds: boolean): Fields {
  const { model, endpoint, bytes, streaming } = one;
  return {
    ...(withModel ? { model } : {}),
    ...servingFields(keepIds)(one),
    ...(endpoint === '/v1/chat/completions' ? {} : { endpoint }),
    bytes,
    ...(streaming ? { streaming } : {}),
  };
}

const servingFields =
  (keepIds: boolean) =>
  ({
    request,
    client,
    session,
    priority,
    ageMs,
  }: Omit<WaitingView, 'model'> | ModelView['serving'][number]): Fields => ({
    ...(keepIds ? { request } : {}),
    client,
    ...(session === null ? {} : { session }),
    ...(priority === 0 ? {} : { priority }),
    ageMs,
  });

function withoutNulls(fields: object): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Fields;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
