/**
 * Compares planners in virtual time: `node bench/planners.ts [--smoke] [--seed N] [--hours H] [--shapes] [--json]`.
 * Also a scenario of bench/main.ts, under the name `planners`. All but the time per decision is the same on every machine.
 */
import { parseArgs } from 'node:util';
import { compareAgents, compareShapes, type Scale } from './planners-compare.ts';
import { timeMatrix } from './planners-matrix.ts';
import { timePlanners } from './planners-speed.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { printed } from './table.ts';

const SEEDS = [1, 2, 3];
const FULL = { hours: 4, width: 60, views: 300 };
const SMOKE = { hours: 0.5, width: 10, views: 20 };

function together(outcomes: readonly Outcome[]): Outcome {
  return { tables: outcomes.flatMap((one) => one.tables), errors: outcomes.flatMap((one) => one.errors) };
}

export const planners: Scenario = {
  name: 'planners',
  needsSubjects: false,
  async run({ smoke, progress }) {
    const { hours, width, views } = smoke ? SMOKE : FULL;
    const scale: Scale = { seeds: smoke ? SEEDS.slice(0, 1) : SEEDS, hours, width, progress };
    return together([compareAgents(scale), timePlanners(views), timeMatrix()]);
  },
};

function positive(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`option "--${name}" expects a number above 0, got "${text}"`);
  return value;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      smoke: { type: 'boolean', default: false },
      seed: { type: 'string' },
      hours: { type: 'string' },
      shapes: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const usual = values.smoke ? SMOKE : FULL;
  const seeds = values.smoke ? SEEDS.slice(0, 1) : SEEDS;
  const scale: Scale = {
    seeds: values.seed === undefined ? seeds : [Math.round(positive('seed', values.seed, 1))],
    hours: positive('hours', values.hours, usual.hours),
    width: usual.width,
    progress: (line) => console.error(line),
  };
  const { tables, errors } = together([
    compareAgents(scale),
    ...(values.shapes ? [compareShapes(scale)] : []),
    timePlanners(usual.views),
    timeMatrix(),
  ]);
  if (values.json) console.log(JSON.stringify({ node: process.version, hours: scale.hours, tables, errors }, null, 2));
  else console.log(tables.map(printed).join('\n\n'));
  for (const error of errors) console.error(`error: ${error}`);
  if (errors.length > 0) process.exitCode = 1;
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error(`planners: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
