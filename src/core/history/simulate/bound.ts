/**
 * A lower bound on how long the requests of a slice wait in all, whoever decides: of few requests the least there is, of
 * many the sum of the least of small groups, each as if it were alone. Must never promise more than holds.
 */
import type { ModelId } from '../../ids.ts';
import type { BuiltInName } from '../../settings.ts';
import type { State } from '../../state.ts';
import { decodeState, encodeState } from '../../state-codec.ts';
import type { MakeBuiltIn } from '../verify/decisions.ts';
import { leastWait, type Puzzle } from './bound-search.ts';
import { type Changes, changed } from './contender.ts';
import type { Durations } from './durations.ts';
import type { Trace } from './trace.ts';

export interface LowerBound {
  waitMs: number;
  /** The least there is in the model that is searched; else a valid but weaker figure. */
  exact: boolean;
  /** Requests that were looked at, of those that could be. */
  requests: number;
  of: number;
  law: BuiltInName;
  /** Of the devices, where the law knows them. */
  devices: { id: string; bytes: number }[];
}

/** Whether a model may be loaded beside others. */
export type Law = (model: ModelId, beside: readonly ModelId[]) => boolean;

export interface BoundRequest {
  model: ModelId;
  arrivesAt: number;
  serveMs: number;
}

/** So many requests are searched at once. */
export const EXACT_REQUESTS_MAX = 8;
const STEPS_OF_ONE = 30_000;
const STEPS_OF_EXACT = 2_000_000;
const STEPS_OF_ALL = 1_000_000;

/** Only those that were served count: what leaves, is refused or sent elsewhere does not have to wait for its model. */
export function boundRequests(trace: Trace): BoundRequest[] {
  const found: BoundRequest[] = [];
  for (const { model, kind, arrivedAt, end, patience, refused, redirected } of trace.requests.values()) {
    if (model === null || end === null || patience !== null || refused || redirected) continue;
    if (kind === 'inference' || kind === 'passthrough') found.push({ model, arrivesAt: arrivedAt, serveMs: end.ms });
  }
  return found.sort((a, b) => a.arrivesAt - b.arrivesAt);
}

export interface BoundInput {
  requests: readonly BoundRequest[];
  loadMs(model: ModelId): number;
  law: Law;
  startsAt: number;
  loaded: readonly ModelId[];
}

export function lowerBoundOf(input: BoundInput): Pick<LowerBound, 'waitMs' | 'exact' | 'requests' | 'of'> {
  const { requests, startsAt, loaded } = input;
  const of = requests.length;
  const law = remembered(input.law);
  if (of <= EXACT_REQUESTS_MAX) {
    const found = leastWait(puzzleOf(input, law, requests, { startsAt, loaded }), STEPS_OF_EXACT);
    if (found.exact) return { waitMs: found.waitMs, exact: true, requests: of, of };
  }
  let waitMs = 0;
  let looked = 0;
  let steps = STEPS_OF_ALL;
  const groups = inGroups(worthLooking(requests), EXACT_REQUESTS_MAX);
  while (groups.length > 0 && steps > 0) {
    const group = groups.pop() ?? [];
    const begin = { startsAt: Number.NEGATIVE_INFINITY, loaded: [] };
    const found = leastWait(puzzleOf(input, law, group, begin), Math.min(steps, STEPS_OF_ONE));
    steps -= found.steps;
    if (found.exact) {
      waitMs += found.waitMs;
      looked += group.length;
    } else if (group.length > 2) groups.push(...inGroups(group, group.length >> 1));
  }
  return { waitMs, exact: false, requests: looked, of };
}

/** Of requests for one model in a row, the first and the one that is served longest tell what the others would. */
function worthLooking(requests: readonly BoundRequest[]): BoundRequest[] {
  const kept: BoundRequest[] = [];
  let first = 0;
  while (first < requests.length) {
    let next = first;
    let last = first;
    const model = requests[first]?.model;
    for (; next < requests.length && requests[next]?.model === model; next++) {
      if (endOf(requests[next]) >= endOf(requests[last])) last = next;
    }
    for (const n of new Set([first, last])) kept.push(requests[n] as BoundRequest);
    first = next;
  }
  return kept;
}

const endOf = (request: BoundRequest | undefined): number => (request?.arrivesAt ?? 0) + (request?.serveMs ?? 0);

/** The first group last, so that it is taken first. */
function inGroups(requests: readonly BoundRequest[], size: number): BoundRequest[][] {
  const groups: BoundRequest[][] = [];
  for (let at = 0; at < requests.length; at += size) groups.push(requests.slice(at, at + size));
  return groups.reverse();
}

function puzzleOf(
  { loadMs }: BoundInput,
  law: Law,
  requests: readonly BoundRequest[],
  { startsAt, loaded }: { startsAt: number; loaded: readonly ModelId[] },
): Puzzle {
  const ids = [...new Set([...requests.map(({ model }) => model), ...loaded])];
  const known = new Map<number, boolean>();
  return {
    requests: requests.map(({ model, ...rest }) => ({ ...rest, model: ids.indexOf(model) })),
    loadMs: ids.map(loadMs),
    mayStand(model, beside) {
      const key = model * 2 ** ids.length + beside;
      let may = known.get(key);
      if (may === undefined) {
        may = law(
          ids[model] as ModelId,
          ids.filter((_, n) => (beside & (1 << n)) !== 0),
        );
        known.set(key, may);
      }
      return may;
    },
    startsAt,
    loaded: loaded.map((id) => ids.indexOf(id)),
  };
}

function remembered(law: Law): Law {
  const known = new Map<string, boolean>();
  return (model, beside) => {
    const key = `${model}\n${[...beside].sort().join('\n')}`;
    const may = known.get(key) ?? law(model, beside);
    known.set(key, may);
    return may;
  };
}

/** The law that binds every planner under these settings, with the sizes that were known when the slice ended. */
export function lawOf(end: Readonly<State>, changes: Changes, makeBuiltIn: MakeBuiltIn): Law {
  const state = decodeState(encodeState(end));
  state.settings = changed(state.settings, changes);
  state.swaps.clear();
  for (const model of state.models.values()) {
    model.run = null;
    model.settings = state.settings.models.find(({ id }) => id === model.id) ?? model.settings;
  }
  const models = [...state.models.values()].map(({ settings }) => settings);
  const rules = makeBuiltIn(state.settings.fallback, { ...state.settings, models }, state);
  return (model, beside) => rules.requires(model, beside).length === 0;
}

/** Null: the configuration changed on the way, and with it what may stand together. */
export function lowerBound(
  trace: Trace,
  begin: Readonly<State>,
  changes: Changes,
  durations: Durations,
  makeBuiltIn: MakeBuiltIn,
): LowerBound | null {
  if (trace.reloads > 0) return null;
  const { fallback, devices } = changed(trace.end.settings, changes);
  const loaded = [...begin.models.values()].filter(({ run }) => run?.phase === 'ready' || run?.phase === 'starting');
  const found = lowerBoundOf({
    requests: boundRequests(trace),
    loadMs: durations.leastLoadMs,
    law: lawOf(trace.end, changes, makeBuiltIn),
    startsAt: trace.startsAt,
    loaded: loaded.map(({ id }) => id),
  });
  return { ...found, law: fallback, devices: fallback === 'budget' ? devices : [] };
}
