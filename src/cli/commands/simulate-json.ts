/** What `turnout simulate --json` prints: the figures, partings and bounds as data. Must never hold what is not in the text. */
import type { Parting } from '../../core/history/simulate/compare.ts';
import type { Outcome, Simulation } from '../../core/history/simulate/simulate.ts';
import type { Decision } from '../../core/history/simulate/tally.ts';
import type { Verification } from '../../core/history/verify/verify.ts';

/** Of each contender at most so many partings; how many there are stands beside them. */
const PARTINGS_MAX = 100;

export function simulationJson(verified: Verification, simulation: Simulation, notes: string[]) {
  const { trace, recorded, replayed, contenders, bounds, longestWaitMs } = simulation;
  const { from, to, startsAt, endsAt, events } = trace;
  return {
    slice: { from, to, startsAt: iso(startsAt), endsAt: iso(endsAt), events },
    verified,
    recorded,
    replayed: {
      ...outcomeJson(replayed),
      sameDecisions: replayed.sameDecisions,
      againstTheLog: {
        count: replayed.against.length,
        first: replayed.against.slice(0, PARTINGS_MAX).map(partingJson),
      },
    },
    contenders: contenders.map(outcomeJson),
    lowerBounds: bounds.map(({ names, bound }) => ({ for: names, bound })),
    longestWaitMs: Object.fromEntries(longestWaitMs.map(({ model, ms }) => [model, ms])),
    notes,
  };
}

function outcomeJson({ name, figures, partings, guesses, broken, events }: Outcome) {
  const otherwise = { count: partings.length, first: partings.slice(0, PARTINGS_MAX).map(partingJson) };
  return { name, figures, otherwise, guesses, broken, events };
}

function partingJson({ at, target, request, ours, theirs }: Parting) {
  return { at: iso(at), target, request, ours: decisionJson(ours), theirs: decisionJson(theirs) };
}

function decisionJson(decision: Decision | null) {
  if (decision === null) return null;
  const { at, planner, verdict, outcome } = decision;
  return { at: iso(at), planner, verdict, outcome };
}

const iso = (at: number): string => new Date(at).toISOString();
