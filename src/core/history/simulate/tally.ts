/**
 * The figures of one course of events, recorded or simulated, counted in one way: swaps, loading, waits, refusals, what was
 * evicted and came back, and each decision with whom it was about. Must never know which of the two it counts.
 */
import type { EventOf, TurnoutEvent, Verdict } from '../../events.ts';
import type { ModelId, Position, RequestId, RequestKey, RunId } from '../../ids.ts';
import type { State } from '../../state.ts';
import { RELOADED_WITHIN_MS } from '../swaps.ts';

/** One decision, and the request that had waited longest for its target; null where nobody waited. */
export interface Decision {
  at: number;
  position: Position;
  target: ModelId;
  request: RequestId | null;
  verdict: Verdict;
  outcome: EventOf<'plan.decided'>['data']['outcome'];
  planner: string;
}

/** One wait of a client, until it was granted, refused, left, or the slice ended. */
export interface Wait {
  id: RequestId;
  model: ModelId;
  ms: number;
  how: 'granted' | 'refused' | 'left' | 'open';
}

export interface Course {
  requests: number;
  swaps: number;
  /** From the start of a process to ready, or to its end when it did not get there. */
  loadingMs: number;
  loads: number;
  waits: Wait[];
  /** By code. */
  refusals: Record<string, number>;
  reloaded: number;
  redirected: number;
  decisions: Decision[];
  /** Answers of a policy that did not count, by what was wrong. */
  faults: Record<string, number>;
}

export interface Tally {
  take(event: TurnoutEvent): void;
  /** Ends the count at a moment: who waits still has waited until then. */
  close(at: number): Course;
}

interface Waiting {
  id: RequestId;
  model: ModelId;
  arrivedAt: number;
  /** Whether a client waits: turnout's own loads are not counted. */
  counts: boolean;
}

/** Who waits in `state` goes on waiting, and what loads goes on loading. */
export function tally(state: Readonly<State>): Tally {
  const course: Course = {
    requests: 0,
    swaps: 0,
    loadingMs: 0,
    loads: 0,
    waits: [],
    refusals: {},
    reloaded: 0,
    redirected: 0,
    decisions: [],
    faults: {},
  };
  const waiting = new Map<RequestKey, Waiting>();
  const queues = new Map<ModelId, Set<RequestKey>>();
  const loading = new Map<RunId, number>();
  const evictedAt = new Map<ModelId, number>();
  const beganAt = state.at;
  for (const { run } of state.models.values()) if (run?.phase === 'starting') loading.set(run.run, beganAt);
  for (const request of state.requests.values()) {
    if (request.granted === null) enter(request.key, request);
  }

  function enter(key: RequestKey, one: { id: RequestId; kind: string; model: ModelId; arrivedAt: number }): void {
    const counts = one.kind === 'inference' || one.kind === 'passthrough';
    if (counts) course.requests++;
    waiting.set(key, { id: one.id, model: one.model, arrivedAt: one.arrivedAt, counts });
    queueOf(one.model).add(key);
  }

  function queueOf(model: ModelId): Set<RequestKey> {
    const queue = queues.get(model) ?? new Set();
    queues.set(model, queue);
    return queue;
  }

  function leave(key: RequestKey, how: Wait['how'], at: number): void {
    const one = waiting.get(key);
    if (one === undefined) return;
    waiting.delete(key);
    queues.get(one.model)?.delete(key);
    if (one.counts) course.waits.push({ id: one.id, model: one.model, ms: at - one.arrivedAt, how });
  }

  function endLoad(run: RunId, at: number): void {
    const since = loading.get(run);
    if (since === undefined) return;
    loading.delete(run);
    course.loadingMs += at - since;
  }

  function decided({ position, at, model, data }: EventOf<'plan.decided'>): void {
    const target = model as ModelId;
    const [oldest] = queues.get(target) ?? [];
    const request = oldest === undefined ? null : (waiting.get(oldest)?.id ?? null);
    const { verdict, outcome, planner } = data;
    course.decisions.push({ at, position, target, request, verdict, outcome, planner: planner.name });
  }

  return {
    take(event) {
      const { at } = event;
      const key = event.request as RequestKey;
      switch (event.type) {
        case 'request.arrived': {
          const { id, kind } = event.data;
          if (event.model !== undefined)
            enter(event.position as RequestKey, { id, kind, model: event.model, arrivedAt: at });
          return;
        }
        case 'request.granted':
          return leave(key, 'granted', at);
        case 'request.rejected':
          if (waiting.get(key)?.counts === true) {
            course.refusals[event.data.code] = (course.refusals[event.data.code] ?? 0) + 1;
          }
          return leave(key, 'refused', at);
        case 'request.cancelled':
        case 'request.lost':
          return leave(key, 'left', at);
        case 'request.redirected': {
          const one = waiting.get(key);
          if (one === undefined) return;
          course.redirected++;
          queues.get(one.model)?.delete(key);
          one.model = event.data.to;
          queueOf(one.model).add(key);
          return;
        }
        case 'plan.decided':
          return decided(event);
        case 'policy.failed': {
          if (event.data.slot !== 'live') return;
          const { kind } = event.data.fault;
          course.faults[kind] = (course.faults[kind] ?? 0) + 1;
          return;
        }
        case 'swap.started':
          course.swaps++;
          for (const id of event.data.evict) evictedAt.set(id, at);
          return;
        case 'process.starting': {
          const model = event.model as ModelId;
          course.loads++;
          loading.set(event.position as number as RunId, at);
          if (at - (evictedAt.get(model) ?? Number.NEGATIVE_INFINITY) <= RELOADED_WITHIN_MS) course.reloaded++;
          evictedAt.delete(model);
          return;
        }
        case 'process.ready':
        case 'process.stopping':
        case 'process.exited':
          return endLoad(event.data.run, at);
      }
    },
    close(at) {
      for (const key of [...waiting.keys()]) leave(key, 'open', at);
      for (const run of [...loading.keys()]) endLoad(run, at);
      return course;
    },
  };
}
