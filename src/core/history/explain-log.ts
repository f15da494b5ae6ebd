/**
 * Explanations straight from a log: of a request with where its time went, of whatever stands at a position, of the
 * decision about a model that is nearest to a moment. Reads only.
 */
import type { EventType, TurnoutEvent } from '../events.ts';
import { type ModelId, type Position, type RequestKey, requestKey } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { TimeTravel } from '../log/log.ts';
import { collectRequest, type LogReader, withCauses } from './collect.ts';
import { explainPosition, type PositionFacts } from './explain-position.ts';
import { explainRequest } from './explain-request.ts';
import type { ExplainOptions, Explanation } from './explanation.ts';
import { type Moment, positionOf } from './moment.ts';
import type { RequestFacts } from './request-facts.ts';
import { type RequestTimes, requestTimes, timesText } from './request-times.ts';

/** Requests whose times are compared with. */
const SAMPLES = 50;

/** What was decided about a model, or became of it: a moment is explained by the nearest of these. */
const DECISIONS: EventType[] = [
  'plan.decided',
  'plan.rejected',
  'target.blocked',
  'swap.draining',
  'swap.started',
  'swap.abandoned',
  'process.starting',
  'process.adopted',
  'process.stopping',
  'process.exited',
  'model.backed-off',
  'request.redirected',
];

/** Null when the position holds no request. */
export async function explainRequestOf(
  log: LogReader,
  key: RequestKey,
  options: ExplainOptions,
): Promise<Explanation<RequestFacts & { times: RequestTimes | null }> | null> {
  const explanation = explainRequest(await collectRequest(log, key), key, options);
  if (explanation === null) return null;
  const times = requestTimes(await collectTimes(log, key), key);
  const text = times === null ? explanation.text : [...explanation.text, ...timesText(times)];
  return { text, facts: { ...explanation.facts, times } };
}

/** Of an event that belongs to a request the request is explained. Null when the log does not hold the position. */
export async function explainPositionOf(
  log: LogReader,
  position: Position,
  options: ExplainOptions,
): Promise<Explanation<PositionFacts | RequestFacts> | null> {
  const [event] = await log.read({ from: position, to: position });
  if (event === undefined) return null;
  if (event.request !== undefined && event.type !== 'request.redirected') {
    const told = await explainRequestOf(log, requestKey(event.request), options);
    if (told !== null) return told;
  }
  return explainPosition(await collectAround(log, event), position, options);
}

/** Position of the decision about a model nearest to a moment; null where there is none. */
export async function nearestDecision(
  log: LogReader & TimeTravel,
  model: ModelId,
  moment: Moment,
): Promise<Position | null> {
  const position = await positionOf(log, moment);
  const before = await log.read({ model, types: DECISIONS, to: position, reverse: true, limit: 1 });
  const after = await log.read({ model, types: DECISIONS, from: position + 1, limit: 1 });
  const [found = null] = [...before, ...after].sort((a, b) => distance(a, moment) - distance(b, moment));
  return found === null ? null : ((await stopBefore(log, found)) ?? found).position;
}

/** That a run is gone was decided when it was asked to stop, if it was. */
async function stopBefore(log: LogReader, exited: TurnoutEvent): Promise<TurnoutEvent | null> {
  if (exited.type !== 'process.exited' || exited.model === undefined) return null;
  const { model, position, data } = exited;
  const [stop] = await log.read({ model, types: ['process.stopping'], to: position, reverse: true, limit: 1 });
  return stop?.type === 'process.stopping' && stop.data.run === data.run ? stop : null;
}

/** In ms, or in positions when that is what was asked for. */
function distance(event: TurnoutEvent, moment: Moment): number {
  return Math.abs('time' in moment ? event.at - moment.time : event.position - moment.position);
}

/** The event, what caused it, what it led to, and what became of the swap it belongs to. */
async function collectAround(log: LogReader, event: TurnoutEvent): Promise<TurnoutEvent[]> {
  const stop = await stopBefore(log, event);
  const causes = await withCauses(log, [event, ...(stop === null ? [] : [stop]), ...(await between(log, event))]);
  const from = Math.min(event.position, swapPosition(event) ?? event.position);
  const types = FOLLOWS;
  const after = await log.read({ from, types, limit: LIMITS.explainEventsMax });
  return [...causes, ...after];
}

/** What lies before an event and led to it although no event says so: what failed before the fallback decided, a reload. */
async function between(log: LogReader, event: TurnoutEvent): Promise<TurnoutEvent[]> {
  const to = event.position;
  if (event.type === 'plan.decided') {
    return log.read({ types: ['policy.failed', 'plan.rejected'], from: event.data.viewPosition, to });
  }
  return event.type === 'process.stopping' && event.data.reason === 'stale'
    ? log.read({ types: ['config.applied'], to, reverse: true, limit: 1 })
    : [];
}

function swapPosition(event: TurnoutEvent): Position | null {
  if (event.type === 'process.starting') return event.data.swap;
  return event.type === 'swap.finished' || event.type === 'swap.abandoned' ? event.data.swap : null;
}

const FOLLOWS: EventType[] = [
  ...DECISIONS,
  'swap.finished',
  'drain.ended',
  'process.ready',
  'process.killed',
  'memory.short',
  'memory.awaited',
  'request.rejected',
];

/** The last requests that the model served up to this one, and the runs that served them. */
async function collectTimes(log: LogReader, key: RequestKey): Promise<TurnoutEvent[]> {
  const own = await log.read({ request: key, limit: LIMITS.explainEventsMax });
  const granted = own.find((event) => event.type === 'request.granted');
  const last = own.at(-1)?.position ?? key;
  if (granted?.model === undefined) return own;
  const { model } = granted;
  const newest = (types: EventType[], limit: number) => log.read({ model, types, to: last, reverse: true, limit });
  const [requests, runs, swaps] = await Promise.all([
    newest(['request.granted', 'request.finished'], 2 * SAMPLES),
    newest(['process.starting', 'process.spawned', 'process.ready'], 3 * SAMPLES),
    newest(['swap.started'], SAMPLES),
  ]);
  return [...own, ...requests, ...runs, ...swaps];
}
