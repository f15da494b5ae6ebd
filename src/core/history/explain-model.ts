/**
 * Why a model is loaded or not, now: its phase, its last start and last stop with what led to them, and its back-off with
 * the last output. Pure over the state and the model's events (with those that caused them).
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import type { ModelId } from '../ids.ts';
import type { ModelState, State } from '../state.ts';
import { ADOPTED_AFTER, causeWords, STOPPED_FOR, stoppedWords } from './cause-words.ts';
import { type HoldFacts, holdFacts, holdSentences, idleSentence } from './explain-holds.ts';
import {
  as,
  causeChain,
  type EventIndex,
  type ExplainOptions,
  type Explanation,
  exitWords,
  indexEvents,
} from './explanation.ts';
import { count, formatClock, formatDuration, formatMoment } from './format.ts';
import { withoutOutput } from './request-end.ts';

export interface ModelFacts extends HoldFacts {
  model: ModelId;
  phase: 'stopped' | 'starting' | 'ready' | 'stopping';
  run: number | null;
  since: number | null;
  inFlight: number;
  waiting: number;
  blocked: { on: string; until: number | null; reason: string } | null;
  /** Positions of the events that led to the last start and stop, nearest first. */
  lastStart: { run: number; at: number; causes: number[] } | null;
  lastStop: { run: number; at: number; reason: string; causes: number[] } | null;
  backoff: { failures: number; until: number; why: string } | null;
}

/** Explains a model of the state, or null when the state has no such model. */
export function explainModel(
  state: Readonly<State>,
  id: ModelId,
  events: Iterable<TurnoutEvent>,
  options: ExplainOptions,
): Explanation<ModelFacts> | null {
  const model = state.models.get(id);
  if (model === undefined) return null;
  const index = indexEvents(events);
  const start =
    index
      .of('process.starting')
      .filter((event) => event.model === id)
      .at(-1) ?? null;
  const end = lastEnd(index, id);
  const whenIdleMs = state.settings.whenIdle?.afterMs ?? null;
  const text = [
    ...phaseSentences(state, model, options),
    ...holdSentences(state, model, index, options),
    ...(start === null ? [] : startSentences(index, start, whenIdleMs, options)),
    ...adoptedSentences(index, model, options),
    ...(end === null ? [] : endSentences(index, end, start, model.backoff?.tail ?? [], options)),
    ...(start === null && end === null ? [`${id} was never started as far as the log goes back`] : []),
    ...waitingSentences(model, options),
    ...backoffSentences(model, options),
    ...refusedSentences(index, model, start, options),
  ];
  return { text, facts: { ...factsOf(index, model, start, end), ...holdFacts(state, model) } };
}

interface Ending {
  stopping: EventOf<'process.stopping'> | null;
  exited: EventOf<'process.exited'> | null;
}

function lastEnd(index: EventIndex, id: ModelId): Ending | null {
  const stopping =
    index
      .of('process.stopping')
      .filter((event) => event.model === id)
      .at(-1) ?? null;
  const exited =
    index
      .of('process.exited')
      .filter((event) => event.model === id)
      .at(-1) ?? null;
  if (stopping === null && exited === null) return null;
  const newest = Math.max(stopping?.data.run ?? 0, exited?.data.run ?? 0);
  return {
    stopping: stopping?.data.run === newest ? stopping : null,
    exited: exited?.data.run === newest ? exited : null,
  };
}

function factsOf(
  index: EventIndex,
  model: ModelState,
  start: EventOf<'process.starting'> | null,
  end: Ending | null,
): Omit<ModelFacts, keyof HoldFacts> {
  const causes = (event: TurnoutEvent): number[] =>
    causeChain(index, event)
      .slice(1)
      .map((one) => one.position);
  const ending = end?.stopping ?? end?.exited ?? null;
  return {
    model: model.id,
    phase: model.run?.phase ?? 'stopped',
    run: model.run?.run ?? null,
    since: phaseSince(model) ?? end?.exited?.at ?? null,
    inFlight: model.serving.size,
    waiting: model.waiting.size,
    blocked: model.blocked === null ? null : { ...pick(model.blocked) },
    lastStart: start === null ? null : { run: start.position, at: start.at, causes: causes(start) },
    lastStop:
      ending === null
        ? null
        : {
            run: ending.data.run,
            at: ending.at,
            reason: end?.stopping?.data.reason ?? 'exited',
            causes: causes(ending),
          },
    backoff:
      model.backoff === null
        ? null
        : { failures: model.backoff.failures, until: model.backoff.until, why: model.backoff.why },
  };
}

function pick({ on, until, reason }: NonNullable<ModelState['blocked']>) {
  return { on, until, reason };
}

function phaseSince(model: ModelState): number | null {
  const { run } = model;
  if (run === null) return null;
  if (run.phase === 'ready') return run.readyAt;
  return run.phase === 'starting' ? run.startingAt : run.since;
}

function phaseSentences(state: Readonly<State>, model: ModelState, options: ExplainOptions): string[] {
  const { id, run } = model;
  if (run === null) return [`${id} is not loaded`];
  const since = formatMoment(phaseSince(model) ?? run.startingAt, options);
  switch (run.phase) {
    case 'starting':
      return [
        `${id} is starting since ${since} (run ${run.run}); it is given up at ${formatClock(run.deadline, options)}`,
      ];
    case 'stopping': {
      const killed = run.killed ? ', KILL was sent' : `, KILL follows at ${formatClock(run.killAt, options)}`;
      return [`${id} is stopping since ${since} (run ${run.run}), ${STOPPED_FOR[run.reason]}${killed}`];
    }
    case 'ready':
      return [
        `${id} is ready since ${since} (run ${run.run}, loaded in ${formatDuration(run.loadMs)})`,
        idleSentence(state, model, options),
      ];
  }
}

function startSentences(
  index: EventIndex,
  start: EventOf<'process.starting'>,
  whenIdleMs: number | null,
  options: ExplainOptions,
): string[] {
  const causes = causeChain(index, start).slice(1);
  const why = causes.map((event) => causeWords(event, whenIdleMs));
  const because = why.filter((words) => words !== null);
  if (!causes.some((event) => event.type === 'request.arrived'))
    because.push(...firstRequest(index, start, whenIdleMs));
  const told = because.length === 0 ? '' : ` because ${because.join(', because ')}`;
  return [`its last start (run ${start.position}) was ${formatMoment(start.at, options)}${told}`];
}

/** A planner's decision speaks for all who wait; whose request it was is told by the first that the run was given. */
function firstRequest(index: EventIndex, start: EventOf<'process.starting'>, whenIdleMs: number | null): string[] {
  const granted = index.of('request.granted').filter((event) => event.data.run === start.position);
  const oldest = Math.min(...granted.map((event) => event.request ?? Number.POSITIVE_INFINITY));
  const arrived = index.at(oldest);
  const words = arrived === null ? null : causeWords(arrived, whenIdleMs);
  return words === null ? [] : [words];
}

/** That the run of now is older than this turnout. */
function adoptedSentences(index: EventIndex, { run, id }: ModelState, options: ExplainOptions): string[] {
  const adopted = index.of('process.adopted').filter((event) => event.data.run === run?.run);
  const last = adopted.at(-1);
  if (last === undefined) return [];
  const times = adopted.length === 1 ? '' : ` (and ${count(adopted.length - 1, 'time')} before)`;
  const loaded = last.data.deadline === null ? `${id} stayed loaded` : `${id} went on loading`;
  const moment = formatMoment(last.at, options);
  return [
    `adopted after restart ${moment}${times}: process ${last.data.pid}, ${ADOPTED_AFTER[last.data.how]}; ${loaded}, its queue started fresh`,
  ];
}

/** `told`: output that stands elsewhere in the same explanation. */
function endSentences(
  index: EventIndex,
  { stopping, exited }: Ending,
  start: EventOf<'process.starting'> | null,
  told: readonly string[],
  options: ExplainOptions,
): string[] {
  const run = stopping?.data.run ?? exited?.data.run ?? 0;
  const name = start === null || start.position <= run ? `run ${run}` : `the one before, run ${run},`;
  if (stopping === null) {
    if (exited === null) return [];
    const tail = exited.data.tail.map((line) => `  ${line}`);
    const end = `${name} ${exitWords(exited)} ${formatMoment(exited.at, options)}, nobody had asked it to`;
    if (tail.length > 0) return told.length > 0 ? [end] : [`${end}; its last output:`, ...tail];
    return [exited.data.by === 'unknown' ? end : `${end}; what it printed: turnout logs ${exited.model} --run ${run}`];
  }
  const why = causeChain(index, stopping)
    .slice(1)
    // The detail of the stop names who asked for it.
    .filter((event) => event.type !== 'unload.requested' || stopping.data.detail === null)
    .map((event) => causeWords(event));
  const known = why.filter((words) => words !== null);
  const because = known.length === 0 ? '' : `: ${known.join(', because ')}`;
  const took = exited === null ? '' : `; it took ${formatDuration(exited.at - stopping.at)} and ${exitWords(exited)}`;
  const moment = formatMoment(stopping.at, options);
  return [`${name} was stopped ${moment} ${stoppedWords(stopping)}${because}${took}`];
}

function waitingSentences(model: ModelState, options: ExplainOptions): string[] {
  if (model.waiting.size === 0) return [];
  const wait = `${count(model.waiting.size, 'request')} for it ${model.waiting.size === 1 ? 'waits' : 'wait'}`;
  if (model.blocked === null) return [wait];
  const until =
    model.blocked.until === null || model.blocked.on === 'pin'
      ? ''
      : ` (until ${formatClock(model.blocked.until, options)} at the latest)`;
  return [`${wait}: ${model.blocked.reason}${until}`];
}

function backoffSentences({ backoff }: ModelState, options: ExplainOptions): string[] {
  if (backoff === null) return [];
  const until = `${backoff.until > options.now ? 'requests are refused until' : 'requests were refused until'}`;
  const tail = backoff.tail.map((line) => `  ${line}`);
  const failed = backoff.failures === 1 ? 'its last start failed' : `its last ${backoff.failures} starts failed`;
  const sentence = `${failed}: ${backoff.why}; ${until} ${formatMoment(backoff.until, options)}`;
  return tail.length === 0 ? [sentence] : [`${sentence}; the last output:`, ...tail];
}

/** Who asked for it since it last began to start, and was turned away. */
function refusedSentences(
  index: EventIndex,
  { id, run }: ModelState,
  start: EventOf<'process.starting'> | null,
  options: ExplainOptions,
): string[] {
  const refused = index.of('request.rejected').findLast((event) => event.model === id);
  if (run !== null || refused === undefined || refused.position < (start?.position ?? 0)) return [];
  const { status, code, reason } = refused.data;
  const arrived = as(index.at(refused.request), 'request.arrived');
  const who = arrived === null ? '' : `, ${arrived.data.id} of client "${arrived.data.client}",`;
  const moment = formatMoment(refused.at, options);
  return [
    `the last request for it that was refused${who} got status ${status} (${code}) ${moment}: ${withoutOutput(reason)}`,
  ];
}
