/**
 * Compares turnout with what it could be at best: `node bench/main.ts [--smoke] [--json] [--rounds N] [--seconds S]
 * [--only names]`, names of subjects and scenarios, separated by commas. All figures of a table come from one run.
 * Must never fail because something is slow: only errors make it end with 1.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { log } from './log.ts';
import { planners } from './planners.ts';
import { policies } from './policies.ts';
import { requests } from './requests.ts';
import type { Scenario, Settings, Table } from './scenario.ts';
import { simulate } from './simulate.ts';
import { slowDisk } from './slow-disk.ts';
import { sse } from './sse.ts';
import { SUBJECT_NAMES, type SubjectName, startSubjects } from './subjects.ts';
import { swap } from './swap.ts';
import { printed } from './table.ts';

const SCENARIOS: readonly Scenario[] = [requests, sse, swap, slowDisk, planners, policies, log, simulate];

interface Choice {
  settings: Settings;
  json: boolean;
  subjects: SubjectName[];
  scenarios: Scenario[];
}

function positive(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`option "--${name}" expects a number above 0, got "${text}"`);
  return value;
}

/** Those of `all` that are named, or all of them if none is. */
function named<T>(all: readonly T[], nameOf: (item: T) => string, names: readonly string[]): T[] {
  const chosen = all.filter((item) => names.includes(nameOf(item)));
  return chosen.length === 0 ? [...all] : chosen;
}

function choose(args: string[]): Choice {
  const { values } = parseArgs({
    args,
    options: {
      smoke: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  const names = values.only.split(',').filter((name) => name !== '');
  const known: string[] = [...SUBJECT_NAMES, ...SCENARIOS.map((scenario) => scenario.name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`option "--only" expects names among ${known.join(', ')}, got "${unknown}"`);
  }
  return {
    settings: {
      rounds: Math.ceil(positive('rounds', values.rounds, values.smoke ? 1 : 5)),
      seconds: positive('seconds', values.seconds, values.smoke ? 1 : 3),
      smoke: values.smoke,
      progress: (line) => console.error(line),
    },
    json: values.json,
    subjects: named(SUBJECT_NAMES, (name) => name, names),
    scenarios: named(SCENARIOS, (scenario) => scenario.name, names),
  };
}

async function compare({
  settings,
  subjects: names,
  scenarios,
}: Choice): Promise<{ tables: Table[]; errors: string[] }> {
  const tables: Table[] = [];
  const errors: string[] = [];
  const running = scenarios.some((scenario) => scenario.needsSubjects)
    ? await startSubjects(names)
    : { subjects: [], stop: async () => undefined };
  try {
    for (const scenario of scenarios) {
      const outcome = await scenario.run(settings, running.subjects, names);
      tables.push(...outcome.tables);
      errors.push(...outcome.errors);
    }
  } finally {
    await running.stop();
  }
  return { tables, errors };
}

async function main(): Promise<void> {
  const choice = choose(process.argv.slice(2));
  const { tables, errors } = await compare(choice);
  const cores = cpus();
  const machine = {
    node: process.version,
    platform: process.platform,
    cores: cores.length,
    cpu: cores[0]?.model ?? '',
  };
  if (choice.json) {
    const { rounds, seconds, smoke } = choice.settings;
    console.log(JSON.stringify({ ...machine, rounds, seconds, smoke, tables, errors }, null, 2));
  } else {
    console.log(`node ${machine.node}, ${machine.platform}, ${machine.cores} cores (${machine.cpu})`);
    for (const table of tables) console.log(`\n${printed(table)}`);
  }
  for (const error of errors) console.error(`error: ${error}`);
  if (errors.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
