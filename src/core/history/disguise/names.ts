/**
 * Every name that a slice of a log may say: gathered before a word of it is written, so that a name is hidden wherever it
 * stands, also before the event that brings it. Reads only.
 */
import type { Json } from '../../config/canonical.ts';
import type { EventType, TurnoutEvent } from '../../events.ts';
import type { ModelId, Position } from '../../ids.ts';
import type { Settings } from '../../settings.ts';
import type { State } from '../../state.ts';
import type { LogReader } from '../collect.ts';
import { eventsOf } from '../pages.ts';

/** What turnout calls itself as a client. */
export const OWN_CLIENTS: ReadonlySet<string> = new Set(['', 'turnout']);

/** Words of turnout, figures, times and durations: in a sentence they are nobody, whoever is called so. */
export const isNobody = (word: string): boolean =>
  /^(?:group|matrix|budget|swap|wait|reject|redirect|idle|drain|load|unload|\W*|[\d:.,\s]+[a-zA-Z]{0,3}|\S{1,2})$/.test(
    word,
  );

export interface Names {
  /** In the order in which they get their numbers. */
  models: Set<ModelId>;
  /** Other names of models: aliases, and whatever clients asked for. */
  asked: Set<string>;
  groups: Set<string>;
  tags: Set<string>;
  sets: Set<string>;
  clients: Set<string>;
  sessions: Set<string>;
  owners: Set<string>;
}

const NAMING: EventType[] = [
  'config.applied',
  'request.arrived',
  'model.pinned',
  'model.unpinned',
  'memory.forgotten',
  'unload.requested',
];

/** `configs`: the configurations of the slice, parsed; aliases stand nowhere else. */
export async function collectNames(
  log: LogReader,
  range: { from: Position; to: Position },
  base: Readonly<State>,
  configs: readonly Json[],
): Promise<Names> {
  const names = noNames();
  fromState(names, base);
  for await (const event of eventsOf(log, { ...range, types: NAMING })) fromEvent(names, event);
  for (const config of configs) fromConfig(names, config);
  // turnout itself is nobody.
  for (const set of [names.clients, names.asked, names.owners]) for (const own of OWN_CLIENTS) set.delete(own);
  return names;
}

function noNames(): Names {
  return {
    models: new Set(),
    asked: new Set(),
    groups: new Set(),
    tags: new Set(),
    sets: new Set(),
    clients: new Set(),
    sessions: new Set(),
    owners: new Set(),
  };
}

function fromState(names: Names, { settings, models, requests, swaps }: Readonly<State>): void {
  fromSettings(names, settings);
  for (const { id, lastClient, pin } of models.values()) {
    names.models.add(id);
    if (lastClient !== null) names.clients.add(lastClient);
    if (pin !== null) names.owners.add(pin.owner);
  }
  for (const { target } of swaps.values()) names.models.add(target);
  for (const { model, asked, client, session } of requests.values()) {
    names.models.add(model);
    fromRequest(names, asked, client, session);
  }
}

function fromSettings(names: Names, { models, groups, matrix, clientPriority }: Settings): void {
  for (const { id, tags } of models) {
    names.models.add(id);
    for (const tag of tags) names.tags.add(tag);
  }
  for (const { id } of groups) if (id !== '(default)') names.groups.add(id);
  for (const { name } of matrix?.sets ?? []) names.sets.add(name);
  for (const label of Object.keys(clientPriority)) names.clients.add(label);
}

function fromRequest(names: Names, asked: string, client: string, session: string | null): void {
  names.asked.add(asked);
  names.clients.add(client);
  if (session !== null) names.sessions.add(session);
}

function fromEvent(names: Names, event: TurnoutEvent): void {
  switch (event.type) {
    case 'config.applied':
      return fromSettings(names, event.data.settings);
    case 'request.arrived':
      return fromRequest(names, event.data.asked, event.data.client, event.data.session);
    case 'model.pinned':
      return void names.owners.add(event.data.owner);
    case 'model.unpinned': // one that expired names its owner
      return void names.owners.add(event.data.by);
    case 'memory.forgotten':
      return void names.clients.add(event.data.by);
    case 'unload.requested':
      return void (event.data.cause === 'operator' && names.clients.add(event.data.by));
    default:
      return;
  }
}

function fromConfig(names: Names, config: Json): void {
  const { models, turnout } = config as { models?: { aliases?: Json }[]; turnout?: { policy?: Json; shadow?: Json } };
  for (const { aliases } of models ?? []) {
    if (Array.isArray(aliases)) for (const alias of aliases) names.asked.add(String(alias));
  }
  const { policy = null, shadow = null } = turnout ?? {};
  for (const one of [policy, ...(Array.isArray(shadow) ? shadow : [])]) {
    const { options = null } = (one ?? {}) as { options?: Json };
    for (const word of wordsIn(options)) if (!isKnown(names, word)) names.clients.add(word);
  }
}

/** Policies are told by their options whom to prefer, and say so in their reasons: in the words of the options. */
function wordsIn(value: Json): string[] {
  if (typeof value === 'string') return isNobody(value) ? [] : [value];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(Array.isArray(value) || typeof item !== 'number' ? [] : wordsIn(key)),
    ...wordsIn(item),
  ]);
}

const isKnown = ({ models, asked, groups, tags, sets }: Names, word: string): boolean =>
  [models, asked, groups, tags, sets].some((known: ReadonlySet<string>) => known.has(word));
