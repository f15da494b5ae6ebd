/**
 * `turnout simulate`: what another planner, or other memory, would have made of the recorded past. Proves first that the
 * recorded planner decides again as it did. Exit code 0; 1: the log cannot be read; 2: not understood; 3: recorded
 * decisions did not come out again.
 */
import { TurnoutError } from '../../core/errors.ts';
import { positionOf, readMoment } from '../../core/history/moment.ts';
import { type Simulation, simulate as simulated } from '../../core/history/simulate/simulate.ts';
import {
  boundText,
  contenderText,
  figureNotes,
  figureRows,
  introText,
  modelText,
  proofText,
} from '../../core/history/simulate/simulate-text.ts';
import type { Trace } from '../../core/history/simulate/trace.ts';
import { isReproduced, type Verification } from '../../core/history/verify/verify.ts';
import type { Position } from '../../core/ids.ts';
import { builtInPlanner } from '../../policies/built-in.ts';
import { print, printJson, table } from '../output.ts';
import { interruptible, type Progress, percent } from './log-common.ts';
import { openPastLog, type PastLog, type PastOptions } from './past-log.ts';
import { configOf, type ProgramFile, programFile } from './policy-programs.ts';
import { contendersOf, type Devices, readMemory, readPolicies, type Wanted } from './simulate-contenders.ts';
import { simulationJson } from './simulate-json.ts';
import { simPolicies } from './simulate-policies.ts';
import { verifyPast } from './verify.ts';

export interface SimulateOptions extends PastOptions {
  policy?: string[];
  memory?: string[];
  config?: string;
  since?: string;
  until?: string;
  seed?: string;
}

const DIVERGED_EXIT_CODE = 3;

interface Done {
  verified: Verification;
  simulation: Simulation;
  notes: string[];
}

interface Plan {
  wanted: Wanted[];
  devices: Devices | undefined;
  programs: Map<string, ProgramFile>;
  seed: number | undefined;
}

export async function simulate(options: SimulateOptions): Promise<void> {
  const plan = await readPlan(options);
  const done = await interruptible(async (signal, progress) => {
    progress.show('checking the hashes of the event log');
    const log = await openPastLog(options);
    try {
      return await simulatePast(log, await sliceOf(log, options), plan, signal, progress);
    } finally {
      await log.close();
    }
  });
  if (done === null) return;
  if (options.json === true) printJson(simulationJson(done.verified, done.simulation, done.notes));
  else print(simulationText(done, options).join('\n'));
  if (!isReproduced(done.verified)) process.exitCode = DIVERGED_EXIT_CODE;
}

async function readPlan({ policy = [], memory = [], config, seed }: SimulateOptions): Promise<Plan> {
  const wanted = readPolicies(policy);
  const devices = readMemory(memory);
  if (seed !== undefined && !/^\d{1,10}$/.test(seed)) {
    throw new TurnoutError('usage', `read --seed "${seed}": expected a whole number`);
  }
  const programs = new Map<string, ProgramFile>();
  const options = await configOf(config);
  for (const one of wanted) if ('file' in one) programs.set(one.file, await programFile(one.file, options));
  return { wanted, devices, programs, seed: seed === undefined ? undefined : Number(seed) >>> 0 };
}

/** Throws TurnoutError: 'usage', 'not-found'. */
async function sliceOf(log: PastLog, options: SimulateOptions): Promise<{ from: Position; to: Position }> {
  const at = async (what: string, text: string | undefined, otherwise: Position) => {
    if (text === undefined) return otherwise;
    const moment = readMoment(what, text, { now: Date.now(), utc: options.utc === true });
    return Math.min(log.head, Math.max(log.base, await positionOf(log, moment)));
  };
  const from = await at('--since', options.since, log.base);
  const to = await at('--until', options.until, log.head);
  if (to > from) return { from, to };
  const what = log.head === log.base ? 'it holds none' : 'nothing happened between --since and --until';
  throw new TurnoutError('not-found', `simulate the log in ${log.where}: expected events, but ${what}`);
}

async function simulatePast(
  log: PastLog,
  slice: { from: Position; to: Position },
  plan: Plan,
  signal: AbortSignal,
  progress: Progress,
): Promise<Done> {
  const verified = await verifyPast(log, slice, signal, (part) =>
    progress.show(`asking the recorded decisions again: ${percent(part)}`),
  );
  const policies = simPolicies(log, slice.from);
  let notes: string[] = [];
  try {
    const begin = await log.stateAt(slice.from);
    const simulation = await simulated({
      log,
      slice,
      makeBuiltIn: builtInPlanner,
      async contenders(trace: Trace) {
        const { recorded, others, notes: found } = contendersOf({ ...plan, trace, begin, policies });
        notes = found;
        return { recorded, others };
      },
      ...(plan.seed === undefined ? {} : { seed: plan.seed }),
      signal,
      onProgress: (what, part) => progress.show(`${what}: ${percent(part)}`),
    });
    return { verified, simulation, notes };
  } finally {
    await policies.close();
  }
}

function simulationText({ verified, simulation, notes }: Done, options: SimulateOptions): string[] {
  const { contenders, replayed } = simulation;
  return [
    ...introText(simulation, options),
    ...proofText(verified, simulation, options),
    '',
    table(figureRows(simulation)),
    ...figureNotes(simulation),
    ...notes,
    ...contenders.flatMap((one) => ['', ...contenderText(one, replayed.name, options)]),
    '',
    ...boundText(simulation),
    '',
    ...modelText(simulation),
  ];
}
