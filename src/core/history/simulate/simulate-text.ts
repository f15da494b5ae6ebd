/**
 * What a simulation found, in sentences and a table: first what is proven, then the figures, where contenders part, what
 * nobody can beat, and what of all this is recorded and what is modelled. Pure.
 */
import { verdictWords } from '../explain-position.ts';
import { count, formatClock, formatDuration, formatMoment, formatSize, list, type TimeStyle } from '../format.ts';
import type { Verification } from '../verify/verify.ts';
import { verificationText } from '../verify/verify-text.ts';
import type { LowerBound } from './bound.ts';
import type { Parting } from './compare.ts';
import type { Figures } from './figures.ts';
import type { Outcome, Simulation } from './simulate.ts';
import type { Decision } from './tally.ts';

/** Of each contender so many partings are told. */
export const PARTINGS_TOLD = 3;

export function introText({ trace, recorded }: Simulation, style: TimeStyle): string[] {
  const { startsAt, endsAt, events } = trace;
  const took = formatDuration(endsAt - startsAt);
  return [
    `from ${formatMoment(startsAt, style)}, for ${took}: ${count(events, 'event')}, ${count(recorded.requests, 'request')}`,
  ];
}

/** Whether what was recorded comes out again: question by question, and played from the beginning to the end. */
export function proofText(verified: Verification, { replayed, trace }: Simulation, style: TimeStyle): string[] {
  const lines = verificationText(verified, style);
  const { decisions } = replayed.figures;
  if (verified.different > 0) {
    lines.push(
      "warning: the recorded decisions do not come out again, so a difference below may not be the contender's",
    );
  }
  if (replayed.sameDecisions) {
    lines.push(`played again, the recorded planner decides the same, ${count(decisions, 'time')} in the same order`);
    return lines;
  }
  const { length } = replayed.against;
  const about = length === 0 ? 'only how often it was asked' : `about ${count(length, 'request')}`;
  lines.push(`played again, the recorded planner decides ${count(decisions, 'time')}; what differs: ${about}`);
  lines.push(...partingsText('recorded', replayed.name, replayed.against, style));
  if (trace.policyFaults > 0) {
    const times = count(trace.policyFaults, 'time');
    lines.push(`the recorded policy gave no answer ${times} for want of time or memory, which is not played again`);
  }
  return lines;
}

/** The first row names the columns. */
export function figureRows({ recorded, replayed, contenders }: Simulation): string[][] {
  const head = ['', 'SWAPS', 'LOADING', 'WAIT P50', 'P95', 'MAX', 'IN ALL', 'REFUSED', 'STARVED', 'RELOADED'];
  const played = [replayed, ...contenders];
  return [head, row('as it happened', recorded), ...played.map(({ name, figures }) => row(name, figures))];
}

function row(name: string, figures: Figures): string[] {
  const { swaps, loadingMs, waitP50Ms, waitP95Ms, waitMaxMs, waitTotalMs, refusals, starved, reloaded } = figures;
  const times = [loadingMs, waitP50Ms, waitP95Ms, waitMaxMs, waitTotalMs].map(formatDuration);
  return [name, String(swaps), ...times, String(refusals), String(starved), String(reloaded)];
}

/** What stands below the table: what columns mean, and what else is to be known of single rows. */
export function figureNotes({ recorded, replayed, contenders, longestWaitMs, trace }: Simulation): string[] {
  const longest = Math.max(0, ...longestWaitMs.map(({ ms }) => ms));
  const lines = [
    'reloaded: evicted and loaded again within five minutes',
    `starved: waited longer than anybody may have to here (${formatDuration(longest)} at most), or refused for it`,
  ];
  if (recorded.left + recorded.open > 0) {
    const left = `${recorded.left.toLocaleString('en-US')} left before they were served`;
    lines.push(`of the recorded requests ${left}, ${recorded.open.toLocaleString('en-US')} wait at the end`);
  }
  for (const { name, figures, guesses, broken } of [replayed, ...contenders]) {
    if (figures.open > recorded.open) lines.push(`${name}: ${count(figures.open, 'request')} still waiting at the end`);
    const faults = Object.entries(figures.faults).map(([kind, n]) => `${n} x ${kind}`);
    if (faults.length > 0) {
      lines.push(`${name}: answers that did not count (${faults.join(', ')}); the fallback decided in its place`);
    }
    const guessed = guessedText(guesses);
    if (guessed !== null) lines.push(`${name}: ${guessed}`);
    if (broken.length > 0) lines.push(`${name}: a defect of turnout showed (${broken[0]}), please report it`);
  }
  if (trace.policyFaults > 0 && replayed.sameDecisions) {
    lines.push(`the recorded policy gave no answer ${count(trace.policyFaults, 'time')}, which is not played again`);
  }
  return lines;
}

function guessedText({ loads, services, neverLoaded }: Outcome['guesses']): string | null {
  const parts: string[] = [];
  if (loads > 0) parts.push(`${count(loads, 'load')} that the log does not have took the median`);
  if (services > 0) parts.push(`${count(services, 'answer')} to who was not served then took the median`);
  if (neverLoaded.length > 0) parts.push(`${list(neverLoaded)} never loaded in the log and got what others take`);
  return parts.length === 0 ? null : parts.join('; ');
}

export function contenderText({ name, partings }: Outcome, incumbent: string, style: TimeStyle): string[] {
  if (partings.length === 0) return [`${name} decides as ${incumbent} does`];
  const first = partings.length > PARTINGS_TOLD ? `; the first ${PARTINGS_TOLD}` : '';
  return [
    `${name} decides otherwise about ${count(partings.length, 'request')}${first}:`,
    ...partingsText(incumbent, name, partings, style),
  ];
}

function partingsText(ours: string, theirs: string, partings: readonly Parting[], style: TimeStyle): string[] {
  const width = Math.max(ours.length, theirs.length) + 1;
  return partings
    .slice(0, PARTINGS_TOLD)
    .flatMap((parting) => [
      `  ${formatClock(parting.at, style)}, about ${parting.target}${forWhom(parting)}`,
      `    ${`${ours}:`.padEnd(width)} ${decisionText(parting.ours)}`,
      `    ${`${theirs}:`.padEnd(width)} ${decisionText(parting.theirs)}`,
    ]);
}

function forWhom({ request }: Parting): string {
  return request === null || request.startsWith('idle_') ? ', for nobody' : `, for ${request}`;
}

function decisionText(decision: Decision | null): string {
  if (decision === null) return 'had nothing to decide: its model was loaded or loading, or it did not come to that';
  return `${verdictWords(decision.verdict)}: ${decision.verdict.reason}`;
}

export function boundText({ bounds, recorded }: Simulation): string[] {
  return bounds.flatMap(({ names, bound }) => {
    const whom = bounds.length > 1 ? ` (${list(names)})` : '';
    return boundLine(bound, whom, recorded);
  });
}

function boundLine(bound: LowerBound | null, whom: string, recorded: Figures): string[] {
  if (bound === null) {
    return [
      `lower bound${whom}: none, because the configuration changed on the way, and with it what may stand together`,
    ];
  }
  const { waitMs, exact, requests, of, law, devices } = bound;
  const room = devices.map(({ id, bytes }) => `${id} of ${formatSize(bytes)}`);
  const under = `the ${law} planner's law${room.length === 0 ? '' : ` on ${list(room)}`}`;
  const total = formatDuration(waitMs);
  if (exact) {
    const all =
      of === recorded.requests ? `the ${count(of, 'request')}` : `${of} of the ${count(recorded.requests, 'request')}`;
    return [
      `lower bound${whom}: ${total}. Whoever decides under ${under}, ${all} wait that long in all at least;`,
      '  exact where stops take no time: the best of every order of loads, found by search',
    ];
  }
  const looked = `${requests.toLocaleString('en-US')} of ${count(of, 'request')}`;
  return [
    `lower bound${whom}: ${total}. Whoever decides under ${under}, they wait that long in all at least;`,
    `  not exact: the sum of what small groups of them (${looked}) would wait if they were alone`,
  ];
}

/** The limits of what can be said, always told. */
export function modelText({ trace }: Simulation): string[] {
  const lines = [
    'recorded: who came when, for which model, and who left; how long each answer took once granted; each load, stop,',
    '  failed start and crash, in order for each model; configurations, loads, unloads and pins by hand; device samples',
    'modelled: a load or stop beyond the recorded ones takes the median of its model; an answer to a request that was not',
    '  served then takes the median of its model; answers of policies come at once; clients come when they came, also',
    '  where they would have waited for an earlier answer; what crashed crashes as long after its start; a bound says',
    '  nothing of who refuses or redirects requests',
  ];
  if (trace.lookMs > 0) lines.push('  what others than the models held of the devices is as it was at the last look');
  return lines;
}
