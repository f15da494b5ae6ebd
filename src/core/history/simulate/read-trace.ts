/**
 * One pass over a slice of the log: what came from outside, and the figures of what happened. Must never keep the events
 * themselves: a slice may have millions.
 */
import { TurnoutError } from '../../errors.ts';
import type { EventData, EventOf, TurnoutEvent } from '../../events.ts';
import { evolve } from '../../evolve.ts';
import type { ModelId, Position } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { TimeTravel } from '../../log/log.ts';
import { wantsSamples } from '../../settle-memory.ts';
import type { State } from '../../state.ts';
import type { LogReader } from '../collect.ts';
import { pagesAheadOf } from '../pages.ts';
import { holding } from './holding.ts';
import { createLateness, wakeOf } from './lateness.ts';
import { bootOf, type ReportReader, readReports } from './read-inputs.ts';
import { type RequestReader, readRequests } from './read-requests.ts';
import { type RunReader, readRuns } from './read-runs.ts';
import { type Course, tally } from './tally.ts';
import { type RecordedInput, type Trace, thoughtKey } from './trace.ts';

export interface Slice {
  /** State before it stands after this position. */
  from: Position;
  to: Position;
}

/** Rejects with TurnoutError 'not-found' when nothing of what is needed lies in the slice; rejects when `signal` aborts. */
export async function readTrace(
  log: LogReader & Pick<TimeTravel, 'stateAt'>,
  slice: Slice,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (position: Position) => void } = {},
): Promise<{ trace: Trace; recorded: Course }> {
  const state = await log.stateAt(slice.from);
  const count = tally(state);
  const requests = readRequests(state);
  const runs = readRuns(state);
  const reader = createReader(state, requests, runs);
  let first: number | null = slice.from === 0 ? null : state.at;
  for await (const page of pagesAheadOf(log, { from: slice.from + 1, to: slice.to })) {
    signal?.throwIfAborted();
    onProgress?.(page[0]?.position ?? slice.from);
    first ??= page[0]?.at ?? null;
    for (const event of page) {
      reader.take(event);
      count.take(event);
    }
  }
  if (first === null || reader.trace.events === 0) {
    throw new TurnoutError('not-found', 'simulate the slice: expected events in it, got none');
  }
  if (reader.arrivals() === 0 && requests.requests.size === 0) {
    const what = `${reader.trace.events} events`;
    throw new TurnoutError(
      'not-found',
      `simulate the slice: expected requests of clients in it, got ${what} without any`,
    );
  }
  runs.close(state.at);
  reader.close();
  const { trace } = reader;
  Object.assign(trace, { from: slice.from, to: slice.to, startsAt: first, endsAt: state.at, end: state });
  return { trace, recorded: count.close(state.at) };
}

function createReader(state: State, requests: RequestReader, runs: RunReader) {
  const reports: ReportReader = readReports();
  const trace: Trace = {
    from: 0,
    to: 0,
    startsAt: 0,
    endsAt: 0,
    events: 0,
    inputs: [],
    requests: requests.requests,
    runs: runs.runs,
    earlier: runs.earlier,
    wakes: [],
    thoughts: new Map(),
    lateMs: 0,
    lookMs: 0,
    cleared: new Map(),
    reloads: 0,
    policyFaults: 0,
    end: state,
  };
  const late = createLateness();
  let arrivals = 0;
  let lastAt = Number.NEGATIVE_INFINITY;
  let boot: Extract<RecordedInput, { kind: 'boot' }> | null = null;

  const add = (input: RecordedInput) => trace.inputs.push(input);

  function take(event: TurnoutEvent): void {
    trace.events++;
    const place = { at: event.at, key: event.position };
    runs.take(event);
    const arrival = requests.take(event);
    if (arrival !== null) {
      arrivals++;
      add({ ...place, kind: 'input', input: arrival });
    } else if (!event.type.startsWith('request.')) {
      other(event, place);
    }
    const wake = wakeOf(state, event, lastAt);
    if (wake !== null) trace.wakes.push(wake);
    late.take(event, wake?.lateMs ?? -1);
    if (event.type === 'plan.decided' && event.at !== lastAt && event.data.planner.sourceHash === undefined) {
      trace.thoughts.set(thoughtKey(event.data.viewPosition, event.model as ModelId), event.at);
    }
    lastAt = event.at;
    evolve(state, event);
    if (event.type === 'process.exited' && isCleared(state, event.at)) trace.cleared.set(event.position, event.at);
  }

  function other(event: TurnoutEvent, place: { at: number; key: Position }): void {
    switch (event.type) {
      case 'router.started':
        // before its successor, after all that it wrote itself
        if (event.data.unfinished !== null) add({ at: lastAt, key: event.position - 0.5, kind: 'death' });
        boot = { ...place, kind: 'boot', input: bootOf(event, null), survivors: new Map() };
        add(boot);
        return;
      case 'devices.sampled':
        noteLook(event.at);
        add({ ...place, kind: 'devices', devices: event.data.devices, held: holding(state) });
        return;
      case 'policy.loaded':
        if (event.data.slot === 'live') add({ ...place, kind: 'policy', loaded: event.data });
        return;
      case 'policy.failed':
        if (event.data.slot === 'live' && BY_CHANCE.has(event.data.fault.kind)) trace.policyFaults++;
        return;
      case 'process.adopted':
      case 'process.stopping':
        if (boot !== null && event.cause === boot.key) noteSurvivor(boot, event);
        return;
      case 'config.applied':
        if (event.data.trigger === 'reload') trace.reloads++;
    }
    const input = reports.take(event);
    if (input !== null) add({ ...place, kind: 'input', input });
    if (event.type === 'log.replaced' && event.cause !== undefined && boot !== null) {
      boot.input.replaced = event.data as EventData['log.replaced'];
    }
  }

  function noteSurvivor(
    { input, survivors }: Extract<RecordedInput, { kind: 'boot' }>,
    event: EventOf<'process.adopted'> | EventOf<'process.stopping'>,
  ): void {
    const model = event.model as ModelId;
    if (event.type === 'process.adopted') {
      input.handedOver = event.data.how === 'handed-over';
      survivors.set(model, { adopted: true });
    } else {
      const why = NOT_ADOPTED.exec(event.data.detail ?? '')?.[1];
      if (why !== undefined) survivors.set(model, { adopted: false, why });
    }
  }

  /** How late the devices were looked at after something had to leave. */
  function noteLook(at: number): void {
    for (const { clearedAt, run, usedBefore } of state.swaps.values()) {
      if (clearedAt === null || run !== null || usedBefore === null) continue;
      const ms = at - clearedAt;
      if (ms > 0 && ms < LIMITS.memoryFreshMs) trace.lookMs = Math.max(trace.lookMs, ms);
    }
  }

  return {
    trace,
    take,
    arrivals: () => arrivals,
    close() {
      trace.lateMs = late.atMost();
    },
  };
}

/** Whether something that had to leave for a swap is gone since then, on devices that are looked at. */
const isCleared = (state: Readonly<State>, at: number): boolean =>
  [...state.swaps.values()].some((swap) => swap.clearedAt === at && wantsSamples(swap));

const NOT_ADOPTED = /^not adopted: (.*)$/s;

const BY_CHANCE: ReadonlySet<string> = new Set(['timeout', 'memory', 'dead']);
