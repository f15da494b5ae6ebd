/**
 * The story of one request, from its events and those around it: what it waited on and who caused that, what was stopped
 * and started for it and how long each took, how it was served, how it ended.
 * Pure over events; must never guess: what the events do not say is left out.
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import type { RequestKey } from '../ids.ts';
import { idleWords } from './cause-words.ts';
import { as, type EventIndex, type ExplainOptions, type Explanation, indexEvents, runFacts } from './explanation.ts';
import { formatBytes, formatClock, formatDuration, formatMoment, inThePast, list } from './format.ts';
import { endSentences } from './request-end.ts';
import { isTerminal, type RequestFacts, requestFacts, type Terminal } from './request-facts.ts';
import { alternativeWords, startWords, swapWords } from './swap-story.ts';
import type { WaitSegment } from './wait-segments.ts';

/** Explains the request whose `request.arrived` has this position, or null when the events do not hold it. */
export function explainRequest(
  events: Iterable<TurnoutEvent>,
  key: RequestKey,
  options: ExplainOptions,
): Explanation<RequestFacts> | null {
  const index = indexEvents(events);
  const arrived = as(index.at(key), 'request.arrived');
  if (arrived === null) return null;
  const own = index.all.filter((event) => event.request === key);
  const granted = own.find((event): event is EventOf<'request.granted'> => event.type === 'request.granted') ?? null;
  const ended = own.find(isTerminal) ?? null;
  const facts = requestFacts(index, arrived, granted, ended, options.now);
  const text = [
    arrivalSentence(arrived, options),
    waitSentence(facts, granted, options),
    ...redirectSentences(facts, options),
    ...swapSentences(facts, options),
    ...inTheWaySentences(facts, options),
    ...own.filter((event) => event.type === 'request.retried').map(retrySentence),
    ...(arrived.data.kind === 'idle' ? [] : servingSentences(index, granted, ended, options)),
    ...(ended === null ? [] : endSentences(index, facts, ended, arrived.data.kind, options)),
  ];
  return { text, facts };
}

function arrivalSentence(arrived: EventOf<'request.arrived'>, options: ExplainOptions): string {
  const { id, kind, asked, client, session, method, endpoint, bytes, streaming } = arrived.data;
  if (kind === 'idle') {
    const moment = formatMoment(arrived.at, options);
    return `turnout itself began to load "${asked}" (${id}) ${moment}, because ${inThePast(idleWords(endpoint))}`;
  }
  const what = kind === 'load' ? `asked to load "${asked}"` : `asked for "${asked}" by ${method} ${endpoint}`;
  const alias = arrived.model !== undefined && arrived.model !== asked ? ` (model ${arrived.model})` : '';
  const size = bytes > 0 ? `, ${formatBytes(bytes)}` : '';
  const from = session === null ? `client "${client}"` : `client "${client}", session "${session}"`;
  const moment = formatMoment(arrived.at, options);
  return `request ${id} ${what}${alias}${size}${streaming ? ', streaming' : ''}: it arrived ${moment} from ${from}`;
}

function waitSentence(
  facts: RequestFacts,
  granted: EventOf<'request.granted'> | null,
  options: ExplainOptions,
): string {
  const over = granted !== null || facts.endedAt !== null;
  if (over && facts.waitedMs < 1 && facts.waits.length === 0) {
    return granted === null || facts.redirected !== null ? 'it did not wait' : 'it did not wait: its model was ready';
  }
  const verb = over ? 'waited' : 'has been waiting for';
  const steps = facts.waits.map((wait) => segmentWords(wait, facts, options));
  const why = steps.length === 0 ? '' : `: ${steps.join(', then ')}`;
  return `it ${verb} ${formatDuration(facts.waitedMs)}${why}`;
}

function segmentWords(wait: WaitSegment, facts: RequestFacts, options: ExplainOptions): string {
  if (wait.kind === 'swap') return facts.swap === null ? 'a swap ran' : swapWords(facts.swap);
  if (wait.kind === 'start') return startWords(wait.run, facts.model);
  // The planner's reason, which the kernel adds behind its own, has a sentence of its own.
  const [first = '', ...rest] = wait.reason.split('; ');
  const more = rest.filter((clause) => facts.swap?.reason?.includes(clause) !== true);
  const because = more.length === 0 ? '' : ` (${more.join('; ')})`;
  if (wait.until === null) return `${first}${because}`;
  const until = formatClock(wait.until, options);
  // Its reason says how long the hold itself would have lasted.
  if (wait.on === 'pin') return `${inThePast(`${first}${because}`)}, which held it up until ${until}`;
  return `${inThePast(first)} until ${until}${inThePast(because)}`;
}

function redirectSentences({ redirected, model }: RequestFacts, options: ExplainOptions): string[] {
  if (redirected === null) return [];
  const { to, reason, at } = redirected;
  return [`it was given to ${to} in place of ${model} at ${formatClock(at, options)}: ${inThePast(reason)}`];
}

function swapSentences({ swap }: RequestFacts, options: ExplainOptions): string[] {
  if (swap === null) return [];
  const others = alternativeWords(swap.alternatives);
  const drained =
    swap.drainedFrom === null
      ? []
      : [
          `since it had waited too long, ${list(swap.evicted)} got no new requests from ${formatClock(swap.drainedFrom, options)} on, so as to become idle`,
        ];
  return [
    ...(swap.reason === null ? [] : [`the swap was decided by the ${swap.decidedBy}: ${inThePast(swap.reason)}`]),
    ...(others === null ? [] : [`instead of: ${others}`]),
    ...drained,
  ];
}

const IN_THE_WAY_SHOWN = 5;

function inTheWaySentences({ inTheWay }: RequestFacts, options: ExplainOptions): string[] {
  if (inTheWay.length === 0) return [];
  const shown = inTheWay.slice(-IN_THE_WAY_SHOWN).map(({ id, request, client, model, until }) => {
    const who = client === null ? '' : ` of client "${client}"`;
    return `${id ?? `at position ${request}`}${who} on ${model} (until ${formatClock(until, options)})`;
  });
  const more = inTheWay.length - shown.length;
  return [
    `in its way ${inTheWay.length === 1 ? 'was request' : 'were requests'} ${list(shown)}${more > 0 ? `, and ${more} before` : ''}`,
  ];
}

function retrySentence(event: TurnoutEvent): string {
  const reason = event.type === 'request.retried' ? event.data.reason : '';
  return `it was sent to the model a second time: ${reason}`;
}

function servingSentences(
  index: EventIndex,
  granted: EventOf<'request.granted'> | null,
  ended: Terminal | null,
  options: ExplainOptions,
): string[] {
  if (granted === null) return [];
  const model = runFacts(index, granted.data.run).model ?? granted.model;
  const run = `run ${granted.data.run}${model == null ? '' : ` of ${model}`}`;
  if (ended === null) {
    return [`it is being served by ${run} since ${formatClock(granted.at, options)}`];
  }
  return [
    `it was served by ${run} from ${formatClock(granted.at, options)} for ${formatDuration(ended.at - granted.at)}`,
  ];
}
