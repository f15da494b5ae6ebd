/**
 * What the planners are compared on: models with sizes and load times, and agents that each ask for one model after the
 * other. Everything is drawn before the run, keyed by seed, agent and number of the request, so that every contender
 * gets the same. Must never depend on time or on what a contender did.
 */
import { type Random, seededRandom } from '../src/core/simulation/random.ts';

export interface BenchModel {
  id: string;
  gib: number;
  loadMs: number;
}

/** One request: the model, how long it is served, and how long the agent thinks afterwards. */
export interface Step {
  model: string;
  serviceMs: number;
  thinkMs: number;
}

/** Asks for one step after the other, each when the one before was served and thought over. */
export interface Agent {
  client: string;
  startMs: number;
  steps: Step[];
}

export interface Workload {
  name: string;
  deviceGib: number;
  models: readonly BenchModel[];
  agents: Agent[];
}

/**
 * A card of 24 GiB and five models as people run them on it, with their context: a 24B and a 20B model for planning and
 * review, a 14B coder, a 7B vision model and a small 4B one for summaries. All two but the first two fit together, and
 * so do the three small ones. Load times are not in the order of the sizes: what compiles graphs at its start takes a
 * minute, what is mapped from the page cache ten seconds.
 */
export const FIVE_MODELS: readonly BenchModel[] = [
  { id: 'planner-24b', gib: 14, loadMs: 40_000 },
  { id: 'reviewer-20b', gib: 12, loadMs: 60_000 },
  { id: 'coder-14b', gib: 10, loadMs: 30_000 },
  { id: 'vision-7b', gib: 8, loadMs: 20_000 },
  { id: 'summary-4b', gib: 6, loadMs: 10_000 },
];

const DEVICE_GIB = 24;
const THINK_MEDIAN_MS = 1_500; // an agent runs a tool or reads a file between two requests
const THINK_SIGMA = 0.7;
const SERVICE_MEDIAN_MS = 5_000;
const SERVICE_SIGMA = 1; // one answer in a hundred takes ten times the median
const SERVICE_MAX_MS = 240_000;
const VISIT_MEAN = 4; // an agent's turn: a question and a few calls of tools
const TASK_MODELS = 3;
const TASK_LAPS_MAX = 4;

/** A source of chance of its own for each agent and number, so that no draw shifts another. */
export function drawsOf(seed: number, agent: number, no: number): Random {
  const key = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(agent + 1, 0x85ebca6b) ^ Math.imul(no + 1, 0xc2b2ae35);
  return seededRandom(key);
}

/** Log-normal with this median, whole ms. */
export function logNormal(random: Random, medianMs: number, sigma: number, maxMs: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.max(1, Math.min(maxMs, Math.round(medianMs * Math.exp(sigma * normal))));
}

export function serviceMs(random: Random): number {
  return logNormal(random, SERVICE_MEDIAN_MS, SERVICE_SIGMA, SERVICE_MAX_MS);
}

/** How many requests an agent makes before it turns to its next model, with this mean (geometric). */
function visitLength(random: Random, mean: number): number {
  let length = 1;
  while (random.chance(1 - 1 / mean)) length++;
  return length;
}

/**
 * An agent at work: each task goes round three models of the five, in an order drawn for it, up to four times; at each
 * visit it asks one model a few times in a row, as agents that call tools do.
 */
function agentSteps(seed: number, agent: number, requests: number, visitMean: number): Step[] {
  const steps: Step[] = [];
  const plan = drawsOf(seed, agent, -1);
  while (steps.length < requests) {
    const pool = FIVE_MODELS.map((model) => model.id);
    const task = Array.from({ length: TASK_MODELS }, () => pool.splice(plan.int(0, pool.length - 1), 1)[0] as string);
    const laps = plan.int(1, TASK_LAPS_MAX);
    for (let visit = 0; visit < laps * TASK_MODELS; visit++) {
      for (let left = visitLength(plan, visitMean); left > 0 && steps.length < requests; left--) {
        const random = drawsOf(seed, agent, steps.length);
        const thinkMs = logNormal(random, THINK_MEDIAN_MS, THINK_SIGMA, 60_000);
        steps.push({ model: task[visit % TASK_MODELS] as string, serviceMs: serviceMs(random), thinkMs });
      }
    }
  }
  return steps;
}

/** Three agents over five models; `visitMean` requests in a row to one model before an agent turns to the next. */
export function agentsWorkload(seed: number, requests: number, visitMean = VISIT_MEAN): Workload {
  return {
    name: `three agents, five models, ${visitMean} requests a visit`,
    deviceGib: DEVICE_GIB,
    models: FIVE_MODELS,
    agents: [0, 1, 2].map((agent) => ({
      client: `agent-${agent + 1}`,
      startMs: 1_000 * agent,
      steps: agentSteps(seed, agent, requests, visitMean),
    })),
  };
}
