/**
 * The comparisons themselves: every contender on the same workloads, as tables. Figures of several seeds are taken
 * together. Must never judge: it fails on errors only.
 */
import { type Contender, largestSets, PLANNERS, RULES } from './planners-contenders.ts';
import { type Figures, figuresOf } from './planners-measure.ts';
import { bestOrder } from './planners-offline.ts';
import { bySets, oneAtATime, playRule } from './planners-rule.ts';
import { playKernel, type Run } from './planners-run.ts';
import { SHAPES } from './planners-shapes.ts';
import { agentsWorkload, type Workload } from './planners-workload.ts';
import { groundOf, runOf } from './planners-world.ts';
import { type Outcome, ratio } from './scenario.ts';

export interface Scale {
  seeds: readonly number[];
  /** Virtual hours that the requests take under llama-swap's rule, roughly. */
  hours: number;
  /** Worlds that the offline order keeps at each step. */
  width: number;
  progress(line: string): void;
}

/** Requests of each agent in an hour under llama-swap's rule, roughly. */
const REQUESTS_AN_HOUR = 100;
/** Part of the hours in which what is served is counted: nobody is through with all requests by then. */
const WINDOW = 0.25;

const columnsFor = (hours: number) => [
  'swaps',
  'wait p50 s',
  'p95 s',
  'longest s',
  'all waits s',
  'loading s',
  `served in ${hours * WINDOW} h`,
  'total h',
  'longest : bound',
  'swaps avoided',
  'all waits : rule',
  'seed by seed',
];

type Play = (workload: Workload) => Run;

const onKernel = (contender: Contender) => ({
  name: contender.name,
  play: (workload: Workload) => playKernel(workload, contender.settings(workload)),
});

/** llama-swap's rule by turnout's kernel, and played by itself; then what the kernel's fairness and planners add to it. */
function rules(): { name: string; play: Play }[] {
  const alone = (evicts: (workload: Workload) => Parameters<typeof playRule>[1]): Play => {
    return (workload) => runOf(workload, playRule(groundOf(workload), evicts(workload)));
  };
  return [
    ...RULES.map(onKernel),
    { name: 'the same by itself, group', play: alone(() => oneAtATime) },
    { name: 'the same by itself, matrix', play: alone((workload) => bySets(largestSets(workload))) },
  ];
}

/** The main comparison. The rule that others are held against is the one that makes people wait least. */
export function compareAgents(scale: Scale): Outcome {
  const requests = Math.max(1, Math.round(scale.hours * REQUESTS_AN_HOUR));
  const workloads = scale.seeds.map((seed) => agentsWorkload(seed, requests));
  const best = (workload: Workload) => runOf(workload, bestOrder(groundOf(workload), scale.width));
  const contenders = [...rules(), ...PLANNERS.map(onKernel), { name: 'best order found', play: best }];
  const errors: string[] = [];
  const measured = contenders.map(({ name, play }) => {
    scale.progress(`planners: ${name}`);
    return { name, ...measure(name, play, workloads, scale.hours, errors) };
  });
  const ruled = measured.slice(0, rules().length);
  const least = (waitMs: (one: Measured) => number) => Math.min(...ruled.map(waitMs));
  const ruleMs = least(({ figures }) => figures.waitMs);
  const ruleMsBySeed = workloads.map((_, i) => least(({ waitMsBySeed }) => waitMsBySeed[i] as number));
  const rows = measured.map(({ name, figures, waitMsBySeed }) => {
    return {
      name,
      values: [...cells(figures, ruleMs), range(waitMsBySeed.map((ms, i) => ms / (ruleMsBySeed[i] ?? 1)))],
    };
  });
  const note =
    `${workloads[0]?.name}; ${requests} requests of each, the same for all; seeds ${scale.seeds.join(', ')} taken together; ` +
    `virtual time; the rule: that of the first four rows which makes people wait least; seed by seed: the same ratio of each`;
  return { tables: [{ title: 'planners', note, columns: columnsFor(scale.hours), rows }], errors };
}

/** What keeping models does on other shapes: the waits with it, as a share of those without. */
export function compareShapes(scale: Scale): Outcome {
  const requests = Math.max(1, Math.round((scale.hours * REQUESTS_AN_HOUR) / 2));
  const errors: string[] = [];
  const rows = SHAPES.map((shape) => {
    const workloads = scale.seeds.map((seed) => shape(seed, requests));
    const name = workloads[0]?.name ?? '';
    scale.progress(`planners: ${name}`);
    const all = [...RULES, ...PLANNERS].map(
      (one) => measure(one.name, onKernel(one).play, workloads, 0, errors).figures,
    );
    const [groupRule, matrixRule, ...figures] = all as [Figures, Figures, ...Figures[]];
    const rule = groupRule.waitMs < matrixRule.waitMs ? groupRule : matrixRule;
    const kept = [0, 2, 4].map((without) => ratio(figures[without + 1]?.waitMs, figures[without]?.waitMs));
    const budget = figures.at(-1) as Figures;
    const longest = [rule.longestMs, budget.longestMs].map((ms) => ms / 1_000);
    return { name, values: [...kept, ratio(budget.waitMs, rule.waitMs), ...longest, budget.ofBound] };
  });
  const columns = [
    'group: with : without',
    'matrix: with : without',
    'budget: with : without',
    'budget with : rule',
    'longest s, rule',
    'budget with',
    'longest : bound',
  ];
  const note =
    `all waits with anti-thrash against those without; ${requests} requests of each agent, seeds ${scale.seeds.join(', ')}; ` +
    "the rule: llama-swap's, of its two routers the better one here";
  return { tables: [{ title: 'anti-thrash on other shapes', note, columns, rows }], errors };
}

interface Measured {
  figures: Figures;
  waitMsBySeed: number[];
}

function measure(name: string, play: Play, workloads: readonly Workload[], hours: number, errors: string[]): Measured {
  const runs = workloads.map((workload) => ({ workload, run: play(workload) }));
  for (const { workload, run } of runs) {
    for (const error of run.errors) errors.push(`planners: ${name}: ${workload.name}: ${error}`);
  }
  const windowMs = hours * WINDOW * 3_600_000;
  const waitMsBySeed = runs.map((run) => figuresOf([run], windowMs).waitMs);
  return { figures: figuresOf(runs, windowMs), waitMsBySeed };
}

/** The least and the most: what is true of all seeds together need not be true of each. */
function range(ratios: readonly number[]): string {
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((one) => one.toFixed(2));
  return least === most ? `${least}` : `${least} to ${most}`;
}

function cells(figures: Figures, ruleMs: number): (number | string | null)[] {
  const { swaps, p50Ms, p95Ms, longestMs, waitMs, loadingMs, served, totalMs, ofBound, swapsAvoided } = figures;
  const seconds = [p50Ms, p95Ms, longestMs, waitMs, loadingMs].map((ms) => ms / 1_000);
  const avoided = swapsAvoided === null ? null : `${swapsAvoided}`;
  return [`${swaps}`, ...seconds, `${served}`, totalMs / 3_600_000, ofBound, avoided, ratio(waitMs, ruleMs)];
}
