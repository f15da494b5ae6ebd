/**
 * A state as JSON and back, for snapshots and for the base of a log whose beginning has left. Maps and Sets survive, in
 * their order. Must never lose anything that `canonical` shows, and what it gives shares nothing with what it was given.
 */
import { TurnoutError } from './errors.ts';
import type { State } from './state.ts';

/**
 * Raised whenever the shape of `State` changes, or the fold makes another state of the same events: snapshots are then
 * made anew, and a base (`log.rebased`, whose version this is) is led up to it by an upcaster.
 */
export const STATE_VERSION = 1;

/** What each field must be, so that a text of another version is not taken for a state; the compiler is the checklist. */
export const STATE_FIELDS: { readonly [K in keyof State]: 'map' | 'set' | 'plain' } = {
  position: 'plain',
  at: 'plain',
  phase: 'plain',
  started: 'plain',
  seed: 'plain',
  drainingSince: 'plain',
  planEpoch: 'plain',
  settings: 'plain',
  configHash: 'plain',
  models: 'map',
  targets: 'set',
  alive: 'set',
  requests: 'map',
  swaps: 'map',
  drain: 'plain',
  policies: 'map',
  policyWakeAt: 'plain',
  rank: 'plain',
  devices: 'map',
  idleSince: 'plain',
  idleRequest: 'plain',
  wallStepsMs: 'plain',
  swapsAvoided: 'plain',
  logTroubled: 'plain',
  stalled: 'plain',
};

/** What stands for a Map, for a Set, and for a plain object that would be taken for one of the three. */
const TAGS: readonly string[] = ['map', 'set', 'plain'];

const OWN = { enumerable: true, configurable: true, writable: true };

/** The state as JSON text: the same text for equal states. */
export function encodeState(state: Readonly<State>): string {
  return JSON.stringify(state, (_key, value: unknown) => tagged(value));
}

/** The state that was encoded. Throws TurnoutError('log-damaged') for a text that is not one of this version. */
export function decodeState(text: string): State {
  return stateFrom(JSON.parse(text));
}

/** The same from parsed JSON, of which nothing is kept. */
export function stateFrom(json: unknown): State {
  const state = untagged(json) as Record<string, unknown> | null;
  for (const [field, kind] of Object.entries(STATE_FIELDS)) {
    const got = state?.[field];
    const fits = kind === 'map' ? got instanceof Map : kind === 'set' ? got instanceof Set : got !== undefined;
    if (!fits) throw new TurnoutError('log-damaged', `read a stored state: expected "${field}" to be a ${kind} value`);
  }
  return state as unknown as State;
}

function tagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (value instanceof Map) return { map: [...value] };
  if (value instanceof Set) return { set: [...value] };
  return tagOf(value) === null ? value : { plain: Object.entries(value) };
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const tag = tagOf(value);
  if (tag === null) return mapped(value);
  const items = (value as Record<string, unknown[]>)[tag]?.map(untagged) ?? [];
  if (tag === 'set') return new Set(items);
  return tag === 'map' ? new Map(items as [unknown, unknown][]) : Object.fromEntries(items as [string, unknown][]);
}

function mapped(value: object): object {
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // A client may be called so; an assignment would change what the object is.
    if (key === '__proto__') Object.defineProperty(copy, key, { ...OWN, value: untagged(inner) });
    else copy[key] = untagged(inner);
  }
  return copy;
}

/** The tag of an object that holds nothing but it, else null. */
function tagOf(value: object): string | null {
  let found: string | null = null;
  for (const key in value) {
    if (found !== null || !TAGS.includes(key)) return null;
    found = key;
  }
  return found;
}
