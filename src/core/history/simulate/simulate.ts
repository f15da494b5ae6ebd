/**
 * The simulation as a whole: reads the slice once, plays it under the planner that was recorded and under each contender,
 * and says where they part. Must never begin a play on a state that another one has touched.
 */
import type { TimeTravel } from '../../log/log.ts';
import type { LogReader } from '../collect.ts';
import type { MakeBuiltIn } from '../verify/decisions.ts';
import { type LowerBound, lowerBound } from './bound.ts';
import { type Parting, partings, sameDecisions } from './compare.ts';
import type { Contender } from './contender.ts';
import { durationsOf } from './durations.ts';
import { type Bounds, boundsOf, type Figures, figuresOf } from './figures.ts';
import { type Played, play } from './play.ts';
import { readTrace, type Slice } from './read-trace.ts';
import type { Course } from './tally.ts';
import type { Trace } from './trace.ts';

export interface SimulatePorts {
  log: LogReader & TimeTravel;
  slice: Slice;
  makeBuiltIn: MakeBuiltIn;
  /** Whoever is to play, once the slice is known; the recorded planner as it was comes first. */
  contenders(trace: Trace): Promise<{ recorded: Contender; others: Contender[] }>;
  seed?: number;
  signal?: AbortSignal;
  onProgress?(what: string, share: number): void;
}

export interface Outcome {
  name: string;
  figures: Figures;
  /** Against the play of the recorded planner. */
  partings: Parting[];
  guesses: { loads: number; services: number; neverLoaded: string[] };
  broken: string[];
  events: number;
}

export interface Simulation {
  trace: Trace;
  recorded: Figures;
  /** The play of the planner that was recorded. */
  replayed: Outcome & { sameDecisions: boolean; against: Parting[] };
  contenders: Outcome[];
  /** One for each law of what may stand together, with the contenders that it binds; null = not computed. */
  bounds: { names: string[]; bound: LowerBound | null }[];
  longestWaitMs: { model: string; ms: number }[];
}

/** Rejects with TurnoutError, or when `signal` aborts. */
export async function simulate(given: SimulatePorts): Promise<Simulation> {
  const ports = { ...given, slice: await wholeMoments(given) };
  const { log, slice, makeBuiltIn } = ports;
  const { signal, onProgress } = ports;
  const { trace, recorded } = await readTrace(log, slice, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: (at) => onProgress?.('reading the slice', (at - slice.from) / Math.max(1, slice.to - slice.from)),
  });
  const { recorded: incumbent, others } = await ports.contenders(trace);
  const bounds = boundsOf(trace, durationsOf(trace));

  const run = async (contender: Contender): Promise<Played> =>
    play({
      trace,
      state: await log.stateAt(slice.from),
      contender,
      makeBuiltIn,
      ...(ports.seed === undefined ? {} : { seed: ports.seed }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (share) => onProgress?.(`playing ${contender.name}`, share),
    });

  const first = await run(incumbent);
  const outcomes: Outcome[] = [];
  for (const contender of others) outcomes.push(outcomeOf(contender.name, await run(contender), first, bounds));
  return {
    trace,
    recorded: figuresOf(recorded, bounds),
    replayed: {
      ...outcomeOf(incumbent.name, first, first, bounds),
      sameDecisions: sameDecisions(recorded, first),
      against: partings(recorded, first),
    },
    contenders: outcomes,
    bounds: await boundsFor(ports, trace, [incumbent, ...others]),
    longestWaitMs: [...bounds].map(([model, ms]) => ({ model, ms })),
  };
}

/** A slice begins and ends with a millisecond: what happened in one belongs together, and a state in between owes the rest. */
async function wholeMoments({ log, slice }: SimulatePorts): Promise<Slice> {
  if (slice.from === 0) return slice;
  const { at } = await log.stateAt(slice.from);
  return { from: Math.min(slice.to, await log.positionAt(at)), to: slice.to };
}

function outcomeOf(
  name: string,
  { events, broken, guesses, ...course }: Played,
  first: Course,
  bounds: Bounds,
): Outcome {
  const { loads, services, neverLoaded } = guesses;
  return {
    name,
    figures: figuresOf(course, bounds),
    partings: partings(first, course),
    guesses: { loads, services, neverLoaded: [...neverLoaded] },
    broken,
    events,
  };
}

/** Contenders under the same law share one bound. */
async function boundsFor(
  { log, slice, makeBuiltIn }: SimulatePorts,
  trace: Trace,
  contenders: readonly Contender[],
): Promise<Simulation['bounds']> {
  const found = new Map<string, { names: string[]; bound: LowerBound | null }>();
  const begin = await log.stateAt(slice.from);
  const durations = durationsOf(trace);
  for (const { name, changes } of contenders) {
    const planner = changes.planner === 'policy' ? undefined : changes.planner;
    const law = planner ?? trace.end.settings.fallback;
    const isBudget = law === 'budget';
    const key = JSON.stringify([law, isBudget ? changes.devices : null, isBudget ? [...(changes.memory ?? [])] : null]);
    const known = found.get(key);
    if (known !== undefined) known.names.push(name);
    else found.set(key, { names: [name], bound: lowerBound(trace, begin, changes, durations, makeBuiltIn) });
  }
  return [...found.values()];
}
