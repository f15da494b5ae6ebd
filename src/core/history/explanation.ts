/**
 * What an explanation is, and the lookups that all of them share: events by position, the chain of causes, and what is
 * known of a run. Pure over a list of events.
 */
import type { EventOf, EventType, TurnoutEvent } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import type { TimeStyle } from './format.ts';

/** Plain sentences in order, and the figures behind them for programs. */
export interface Explanation<Facts> {
  text: string[];
  facts: Facts;
}

export interface ExplainOptions extends TimeStyle {
  /** Time of turnout's clock to which "ago" refers. */
  now: number;
}

/** Events in order of position, found by position. */
export interface EventIndex {
  readonly all: readonly TurnoutEvent[];
  at(position: Position | null | undefined): TurnoutEvent | null;
  of<T extends EventType>(type: T): EventOf<T>[];
}

/** Sorts and indexes events; the same event twice counts once. */
export function indexEvents(events: Iterable<TurnoutEvent>): EventIndex {
  const byPosition = new Map<Position, TurnoutEvent>();
  for (const event of events) byPosition.set(event.position, event);
  const all = [...byPosition.values()].sort((a, b) => a.position - b.position);
  return {
    all,
    at: (position) => (position == null ? null : (byPosition.get(position) ?? null)),
    of: <T extends EventType>(type: T) => all.filter((event): event is EventOf<T> => event.type === type),
  };
}

/** Narrows an event to a type, or null. */
export function as<T extends EventType>(event: TurnoutEvent | null, type: T): EventOf<T> | null {
  return event !== null && event.type === type ? (event as EventOf<T>) : null;
}

/**
 * The event and what led to it, nearest first, along `cause` and the position that some events carry in their data.
 * Ends where the index knows no more; a loop in a damaged log ends it too.
 */
export function causeChain(index: EventIndex, from: TurnoutEvent): TurnoutEvent[] {
  const chain: TurnoutEvent[] = [];
  let event: TurnoutEvent | null = from;
  while (event !== null && !chain.includes(event)) {
    chain.push(event);
    event = index.at(causeOf(event));
  }
  return chain;
}

/** Position of the event that led to this one, or null. */
export function causeOf(event: TurnoutEvent): Position | null {
  if (event.type === 'process.starting') return event.data.swap ?? event.cause ?? null;
  if (event.type === 'swap.started') return event.data.plan ?? event.cause ?? null;
  return event.cause ?? null;
}

/** All that is known of one run. */
export interface RunFacts {
  run: number;
  model: ModelId | null;
  startedAt: number | null;
  readyAt: number | null;
  loadMs: number | null;
  stoppingAt: number | null;
  stopReason: string | null;
  exitedAt: number | null;
  exit: string | null;
  tail: string[];
}

/** Facts of the run with this number; fields are null where the index has no such event. */
export function runFacts(index: EventIndex, run: number): RunFacts {
  const starting = as(index.at(run), 'process.starting');
  const ready = index.of('process.ready').find((event) => event.data.run === run);
  const stopping = index.of('process.stopping').find((event) => event.data.run === run);
  const exited = index.of('process.exited').find((event) => event.data.run === run);
  return {
    run,
    model: starting?.model ?? ready?.model ?? stopping?.model ?? exited?.model ?? null,
    startedAt: starting?.at ?? null,
    readyAt: ready?.at ?? null,
    loadMs: ready?.data.loadMs ?? null,
    stoppingAt: stopping?.at ?? null,
    stopReason: stopping?.data.reason ?? null,
    exitedAt: exited?.at ?? null,
    exit: exited === undefined ? null : exitWords(exited),
    tail: exited?.data.tail ?? [],
  };
}

/** `exited with code 1`, `was ended by SIGKILL from the OOM killer (memory had run out)`. */
export function exitWords(event: EventOf<'process.exited'>): string {
  const { code, signal, by, detail } = event.data;
  const more = detail === null || detail === '' ? '' : ` (${detail})`;
  if (by === 'spawn') return `could not be started${more}`;
  if (signal !== null) return `was ended by ${signal}${by === 'itself' ? '' : ` from ${SENDER[by]}`}${more}`;
  if (code !== null) return `exited with code ${code}${more}`;
  return `ended, its exit code is not known${more}`;
}

const SENDER: Record<Exclude<EventOf<'process.exited'>['data']['by'], 'itself' | 'spawn'>, string> = {
  turnout: 'turnout',
  'oom-killer': 'the OOM killer (memory had run out)',
  another: 'another program',
  unknown: 'an unknown sender',
};
