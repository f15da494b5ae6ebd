/**
 * One event told: what it means, what led to it, and what followed at once. For a decision also what was considered, for a
 * swap how it went. Pure over the events around it; must never guess.
 */
import { MEANING } from '../event-meaning.ts';
import type { EventOf, TurnoutEvent } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import { ADOPTED_AFTER, causeWords, stoppedWords } from './cause-words.ts';
import {
  as,
  causeChain,
  type EventIndex,
  type ExplainOptions,
  type Explanation,
  exitWords,
  indexEvents,
} from './explanation.ts';
import { formatClock, formatDuration, formatMoment, inThePast, list } from './format.ts';
import { alternativeWords, type SwapFacts, swapFacts, swapWords, viaWords } from './swap-story.ts';

export interface PositionFacts {
  position: Position;
  at: number;
  type: TurnoutEvent['type'];
  model: ModelId | null;
  /** Positions of what led to it, nearest first. */
  causes: Position[];
  /** Positions of what it led to. */
  effects: Position[];
  swap: SwapFacts | null;
  data: TurnoutEvent['data'];
}

/** Explains the event at a position, or null when the events do not hold it. */
export function explainPosition(
  events: Iterable<TurnoutEvent>,
  position: Position,
  options: ExplainOptions,
): Explanation<PositionFacts> | null {
  const index = indexEvents(events);
  const event = index.at(position);
  if (event === null) return null;
  const causes = causesOf(index, event);
  const effects = effectsOf(index, event);
  const swap = swapOf(index, event);
  const { at, type, model = null, data } = event;
  const about = model === null ? '' : ` (${model})`;
  const text = [
    `position ${position}, ${formatMoment(at, options)}: ${type}${about}. ${MEANING[type]}`,
    ...ownSentences(index, event),
    ...swapSentences(swap, event, causes),
    ...causes.flatMap((cause) => causeSentence(cause, options)),
    ...(effects.length === 0 ? [] : [`it led to ${list(effects.slice(0, EFFECTS_SHOWN).map(effectWords))}`]),
  ];
  const facts = { position, at, type, model, data, swap, ...positionsOf(causes, effects) };
  return { text, facts };
}

const EFFECTS_SHOWN = 8;

/** An exit that somebody asked for has its cause in that and not in the start of the run; a changed configuration in its reading. */
function causesOf(index: EventIndex, event: TurnoutEvent): TurnoutEvent[] {
  const stopping =
    event.type === 'process.exited'
      ? index.of('process.stopping').find((one) => one.data.run === event.data.run)
      : null;
  const last = stopping ?? event;
  const chain = causeChain(index, last);
  if (chain.length === 1 && last.type === 'process.stopping' && last.data.reason === 'stale') {
    chain.push(
      ...index
        .of('config.applied')
        .filter((one) => one.position < last.position)
        .slice(-1),
    );
  }
  return stopping == null ? chain.slice(1) : chain;
}

function effectsOf(index: EventIndex, { type, position, data }: TurnoutEvent): TurnoutEvent[] {
  const isEffect = (one: TurnoutEvent) => {
    if (type === 'process.stopping') return one.type === 'process.exited' && one.data.run === data.run;
    return one.cause === position && one.position !== position;
  };
  return index.all.filter(isEffect);
}

function positionsOf(causes: readonly TurnoutEvent[], effects: readonly TurnoutEvent[]) {
  const positions = (list: readonly TurnoutEvent[]) => list.map((one) => one.position);
  return { causes: positions(causes), effects: positions(effects) };
}

function swapOf(index: EventIndex, event: TurnoutEvent): SwapFacts | null {
  if (event.type === 'swap.started') return swapFacts(index, event.position);
  if (event.type === 'swap.finished' || event.type === 'swap.abandoned') return swapFacts(index, event.data.swap);
  if (event.type === 'process.starting') return swapFacts(index, event.data.swap);
  const started = index.of('swap.started').find((one) => one.data.plan === event.position);
  return started === undefined ? null : swapFacts(index, started.position);
}

function ownSentences(index: EventIndex, event: TurnoutEvent): string[] {
  switch (event.type) {
    case 'plan.decided':
      return decisionSentences(index, event);
    case 'plan.rejected':
      return [`its answer broke the rule "${event.data.rule}": ${event.data.detail}`];
    case 'target.blocked':
      return [`requests for ${event.model} had to wait: ${inThePast(event.data.reason)}`];
    case 'process.adopted': {
      const { run, pid, how, deadline } = event.data;
      const state = deadline === null ? 'stayed loaded' : 'went on loading';
      return [`run ${run} of ${event.model} (process ${pid}), ${ADOPTED_AFTER[how]}, was adopted and ${state}`];
    }
    case 'process.stopping':
      return [`run ${event.data.run} of ${event.model} was stopped ${stoppedWords(event)}${tookWords(index, event)}`];
    case 'process.exited':
      return [
        `run ${event.data.run} of ${event.model} ${exitWords(event)}`,
        ...(event.data.tail.length === 0 ? [] : ['its last output:', ...event.data.tail.map((line) => `  ${line}`)]),
      ];
    case 'model.backed-off':
      return [`the start failed: ${event.data.why}`];
    case 'swap.abandoned':
      return [`it was given up: ${event.data.why}`];
    case 'swap.draining':
      return [`${list(event.data.evict)} took no new requests for it: ${inThePast(event.data.reason)}`];
    case 'stall.detected':
      return [event.data.what];
    default:
      return [];
  }
}

const DONE: Record<EventOf<'plan.decided'>['data']['outcome'], string> = {
  started: 'the swap began at once',
  pending: 'the swap had to wait for its victims',
  waiting: 'the requests waited',
  rejected: 'the requests were refused',
  redirected: 'the requests were given to another model',
};

/** How long it took from being asked to stop to being gone. */
function tookWords(index: EventIndex, stopping: EventOf<'process.stopping'>): string {
  const exited = index.of('process.exited').find((one) => one.data.run === stopping.data.run);
  return exited === undefined ? '' : `; it took ${formatDuration(exited.at - stopping.at)} and ${exitWords(exited)}`;
}

function decisionSentences(index: EventIndex, plan: EventOf<'plan.decided'>): string[] {
  const { model, data } = plan;
  const { planner, verdict, outcome, viewPosition, logs } = data;
  const asked = `was asked about ${model} with what was known at position ${viewPosition}`;
  const others = 'alternatives' in verdict ? alternativeWords(verdict.alternatives ?? []) : null;
  return [
    `the ${planner.name} planner (version ${planner.version}) ${asked}${viaWords(index, plan)}`,
    `it said ${verdictWords(verdict)}: ${inThePast(verdict.reason)}`,
    DONE[outcome],
    ...(others === null ? [] : [`instead of: ${others}`]),
    ...(logs ?? []).map((line) => `the policy wrote: ${line}`),
  ];
}

/** `swap, llama leaves`; `wait 5 s`; `reject with 503`; `redirect to gemma`. */
export function verdictWords(verdict: EventOf<'plan.decided'>['data']['verdict']): string {
  switch (verdict.action) {
    case 'swap':
      return verdict.evict.length === 0 ? 'load it beside the others' : `swap, evicting ${list(verdict.evict)}`;
    case 'wait':
      return verdict.forMs === undefined ? 'wait' : `wait ${Math.round(verdict.forMs / 1_000)} s`;
    case 'reject':
      return `reject with ${verdict.status}`;
    case 'redirect':
      return `redirect to ${verdict.model}`;
  }
}

/** Who decided it is told once: here, by the decision itself, or among the causes. */
function swapSentences(swap: SwapFacts | null, { type }: TurnoutEvent, causes: readonly TurnoutEvent[]): string[] {
  if (swap === null) return [];
  const isTold = type === 'plan.decided' || causes.some((cause) => cause.type === 'plan.decided');
  const by = swap.reason === null || isTold ? '' : `, decided by the ${swap.decidedBy}: ${swap.reason}`;
  const others = type === 'plan.decided' ? null : alternativeWords(swap.alternatives);
  return [`in that swap ${swapWords(swap)}${inThePast(by)}`, ...(others === null ? [] : [`instead of: ${others}`])];
}

function causeSentence(cause: TurnoutEvent, options: ExplainOptions): string[] {
  const words = causeWords(cause);
  return words === null ? [] : [`because (position ${cause.position}, ${formatClock(cause.at, options)}) ${words}`];
}

function effectWords(event: TurnoutEvent): string {
  const stopping = as(event, 'process.stopping');
  const what = stopping === null ? event.type : `${event.type} (${stopping.data.reason})`;
  return `${what}${event.model === undefined ? '' : ` of ${event.model}`} at position ${event.position}`;
}
