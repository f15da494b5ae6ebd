/**
 * The fold: what each event does to the state. Changes the one state that the caller owns in place (copying it costs five
 * times as much), reads nothing but the event and the state, and never decides anything.
 */
import type { TurnoutEvent } from './events.ts';
import type { Fold } from './fold-common.ts';
import { MEMORY } from './fold-memory.ts';
import { POLICIES } from './fold-policies.ts';
import { PROCESSES } from './fold-processes.ts';
import { REQUESTS } from './fold-requests.ts';
import { ROUTER } from './fold-router.ts';
import { SWAPS } from './fold-swaps.ts';
import { LIMITS } from './limits.ts';
import type { State } from './state.ts';

const FOLD: Fold = { ...ROUTER, ...REQUESTS, ...SWAPS, ...PROCESSES, ...MEMORY, ...POLICIES };

/** The state before the first event. */
export function emptyState(): State {
  return {
    position: 0,
    at: 0,
    phase: 'booting',
    started: 0,
    seed: 0,
    drainingSince: null,
    planEpoch: 0,
    settings: {
      models: [],
      groups: [],
      planner: 'group',
      fallback: 'group',
      matrix: null,
      devices: [],
      memoryWaitMs: LIMITS.memoryWaitMs,
      protect: { models: [], otherwise: 'queue' },
      whenIdle: null,
      zone: { name: 'UTC', offsets: [{ from: 0, offsetMin: 0 }] },
      clientPriority: {},
      antiThrash: true,
      maxWaitMs: null,
      queueTimeoutMs: LIMITS.queueTimeoutMs,
      drainTimeoutMs: LIMITS.drainTimeoutMs,
      onTrouble: 'serve',
    },
    configHash: '',
    models: new Map(),
    targets: new Set(),
    alive: new Set(),
    requests: new Map(),
    swaps: new Map(),
    drain: null,
    policies: new Map(),
    policyWakeAt: null,
    rank: [],
    devices: new Map(),
    idleSince: null,
    idleRequest: null,
    wallStepsMs: 0,
    swapsAvoided: 0,
    logTroubled: null,
    stalled: null,
  };
}

/** Folds one event into the state that the caller owns. */
export function evolve(state: State, event: TurnoutEvent): void {
  state.position = event.position;
  state.at = event.at;
  (FOLD[event.type] as (state: State, event: TurnoutEvent) => void)(state, event);
}

/** The state after these events. */
export function fold(events: Iterable<TurnoutEvent>, state: State = emptyState()): State {
  for (const event of events) evolve(state, event);
  return state;
}
