/**
 * Gathers from a log the events that an explanation needs, and no more: the request's or model's own, those around them,
 * and whatever caused them. Reads only; off the loop's thread, since the log's reader is a worker.
 */
import type { EventType, TurnoutEvent } from '../events.ts';
import type { ModelId, Position, RequestKey } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EventLog } from '../log/log.ts';
import { as, causeOf } from './explanation.ts';

/** The part of a log that can be read; also what a closed log on disk offers. */
export type LogReader = Pick<EventLog, 'read'>;

/** Everything but requests: what happens to models while a request waits. */
const AROUND: EventType[] = [
  'plan.decided',
  'plan.rejected',
  'policy.failed',
  'target.blocked',
  'swap.draining',
  'drain.ended',
  'swap.started',
  'swap.finished',
  'swap.abandoned',
  'memory.short',
  'memory.awaited',
  'process.starting',
  'process.ready',
  'process.adopted',
  'process.stopping',
  'process.killed',
  'process.exited',
  'model.backed-off',
  'unload.requested',
];

const PINS: EventType[] = ['model.pinned', 'model.unpinned'];

const ENDINGS: EventType[] = ['request.finished', 'request.rejected', 'request.cancelled', 'request.lost'];

/** Events for `explainRequest`; empty when the position holds no request. */
export async function collectRequest(log: LogReader, key: RequestKey): Promise<TurnoutEvent[]> {
  const [first] = await log.read({ from: key, to: key });
  const arrived = as(first ?? null, 'request.arrived');
  if (arrived === null) return [];
  const own = [arrived, ...(await log.read({ request: key, limit: LIMITS.explainEventsMax }))];
  const granted = own.find((event) => event.type === 'request.granted');
  const end = granted ?? own.find((event) => (ENDINGS as string[]).includes(event.type));
  const to = end === undefined ? {} : { to: end.position };
  const around = await log.read({ from: key, ...to, types: AROUND, limit: LIMITS.explainEventsMax });
  const before = arrived.model === undefined ? [] : await lastChanges(log, arrived.model, key);
  const served =
    granted?.type === 'request.granted'
      ? [...(await aroundRun(log, granted.data.run)), ...(await deathUnder(log, granted, own.at(-1)))]
      : [];
  const known = await withCauses(log, [...own, ...around, ...before, ...served]);
  return withNeighbours(log, known, arrived, end?.position);
}

/** Events for `explainModel`: its newest, with what caused them. */
export async function collectModel(log: LogReader, model: ModelId): Promise<TurnoutEvent[]> {
  const decisions: EventType[] = ['plan.decided', 'target.blocked'];
  const types = [...AROUND.filter((type) => !decisions.includes(type)), ...PINS];
  const newest = await log.read({ model, types, reverse: true, limit: LIMITS.explainModelEvents });
  const start = newest.find((event) => event.type === 'process.starting');
  const served = start === undefined ? [] : await firstServed(log, model, start.position);
  const refused = await log.read({ model, types: ['request.rejected'], reverse: true, limit: 1 });
  const whose = new Set(refused.flatMap((event) => (event.request === undefined ? [] : [event.request as number])));
  return withCauses(log, [...newest, ...served, ...refused, ...(await readAll(log, whose, []))]);
}

/** The first requests that a run was given, with their arrivals: those it was started for. */
async function firstServed(log: LogReader, model: ModelId, run: Position): Promise<TurnoutEvent[]> {
  const granted = await log.read({ model, types: ['request.granted'], from: run, limit: 10 });
  const arrivals = new Set(granted.flatMap((event) => (event.request === undefined ? [] : [event.request as number])));
  return [...granted, ...(await readAll(log, arrivals, granted))];
}

/** What the model last did before the request came: the reason in force, or the start under way. */
function lastChanges(log: LogReader, model: ModelId, before: Position): Promise<TurnoutEvent[]> {
  if (before <= 1) return Promise.resolve([]);
  return log.read({ model, types: AROUND, to: before - 1, reverse: true, limit: 10 });
}

/** A run's start, its ready, and what else happened in between, which may be before the request came. */
async function aroundRun(log: LogReader, run: Position): Promise<TurnoutEvent[]> {
  const [starting] = await log.read({ from: run, to: run });
  if (starting?.type !== 'process.starting' || starting.model === undefined) return [];
  const { model } = starting;
  const [ready] = await log.read({ model, types: ['process.ready'], from: run, limit: 1 });
  if (starting.data.swap === null) return ready === undefined ? [starting] : [starting, ready];
  const swap = await log.read({ from: starting.data.swap, to: run, types: AROUND, limit: LIMITS.explainEventsMax });
  return ready === undefined ? [starting, ...swap] : [starting, ready, ...swap];
}

/** How the run ended, where that may have broken a request off. */
async function deathUnder(
  log: LogReader,
  granted: TurnoutEvent,
  last: TurnoutEvent | undefined,
): Promise<TurnoutEvent[]> {
  if (last?.type !== 'request.finished' || last.data.outcome === 'ok' || granted.model === undefined) return [];
  const types: EventType[] = ['process.stopping', 'process.exited'];
  return log.read({ model: granted.model, types, from: granted.position, limit: 2 });
}

/** The requests on evicted models that ended while this one waited, so that they can be named. */
async function withNeighbours(
  log: LogReader,
  known: TurnoutEvent[],
  arrived: TurnoutEvent,
  to: Position | undefined,
): Promise<TurnoutEvent[]> {
  const swaps = known.filter((event) => event.type === 'swap.started' && event.model === arrived.model);
  const swap = swaps.sort((a, b) => a.position - b.position).at(-1);
  if (swap?.type !== 'swap.started') return known;
  const last = Math.min(swap.position, to ?? swap.position);
  if (last <= arrived.position) return known;
  const found = [...known];
  for (const model of swap.data.evict) {
    found.push(
      ...(await log.read({ model, types: ENDINGS, from: arrived.position, to: last, reverse: true, limit: 20 })),
    );
  }
  const missing = found.filter((event) => event.request !== undefined && event.request !== arrived.position);
  return [...found, ...(await readAll(log, new Set(missing.map((event) => event.request as number)), found))];
}

/** Adds causes of causes until none is missing. Bounded, for damaged logs. */
export async function withCauses(log: LogReader, events: TurnoutEvent[]): Promise<TurnoutEvent[]> {
  const known = [...events];
  for (let depth = 0; depth < LIMITS.explainCauseDepth; depth++) {
    const wanted = new Set<Position>();
    for (const event of known) {
      const cause = causeOf(event);
      if (cause !== null) wanted.add(cause);
      if (event.cause !== undefined) wanted.add(event.cause);
    }
    const found = await readAll(log, wanted, known);
    if (found.length === 0) break;
    known.push(...found);
  }
  return known;
}

async function readAll(
  log: LogReader,
  positions: Set<Position>,
  known: readonly TurnoutEvent[],
): Promise<TurnoutEvent[]> {
  for (const event of known) positions.delete(event.position);
  const found = await Promise.all([...positions].map((position) => log.read({ from: position, to: position })));
  return found.flat();
}
