/**
 * `turnout policy bench FILE`: how long a decision takes, there and back through the sandbox, at a size that is asked for;
 * and how many it makes a second. Measures the real host; the View is made up.
 */
import { TurnoutError } from '../../core/errors.ts';
import type { PolicyHost } from '../../policies/sandbox/types.ts';
import { stageOf } from '../../policies/testing/given.ts';
import type { Fields, PolicyCase } from '../../policies/testing/table.ts';
import { print, printJson } from '../output.ts';
import { configOf, mustLoad, programFile, refused, withHost } from './policy-programs.ts';

export interface BenchOptions {
  models: string;
  waiting: string;
  decisions: string;
  config?: string;
  json?: boolean;
}

/** Between two paced questions, so that each finds the sandbox at rest, as in life. */
const PAUSE_MS = 5;
const WARM_UP = 50;
/** Of this many decisions in the paced run; each costs its pause. */
const PACED_MAX = 400;

interface Times {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export async function policyBench(file: string, options: BenchOptions): Promise<void> {
  const models = countOf('--models', options.models);
  const waiting = countOf('--waiting', options.waiting);
  const decisions = countOf('--decisions', options.decisions);
  const program = await programFile(file, await configOf(options.config));
  const ids = [...(await namesFor(options.config)), ...Array.from({ length: models }, (_, n) => `model-${n + 1}`)];
  const { view } = stageOf(sceneOf(ids.slice(0, Math.max(models, 1)), waiting));
  const json = JSON.stringify(view);
  const result = await withHost({}, async (host) => {
    const began = performance.now();
    await mustLoad(host, program, { models: view.models.map(({ id }) => id) });
    const loadMs = performance.now() - began;
    await measure(host, json, WARM_UP, 0);
    const paced = await measure(host, json, Math.min(decisions, PACED_MAX), PAUSE_MS);
    const burstBegan = performance.now();
    await measure(host, json, decisions, 0);
    const perSecond = Math.round((decisions / (performance.now() - burstBegan)) * 1_000);
    return { loadMs, perSecond, ...paced };
  });
  if (options.json === true)
    return printJson({ file, models: view.models.length, waiting, viewBytes: json.length, ...result });
  const { roundTrip, inside } = result;
  print(`${file}: ${view.models.length} models, ${waiting} waiting, a view of ${json.length} bytes`);
  print(`  loaded in ${ms(result.loadMs)}`);
  print(`  round trip: p50 ${ms(roundTrip.p50Ms)}, p99 ${ms(roundTrip.p99Ms)}, longest ${ms(roundTrip.maxMs)}`);
  print(`  inside:     p50 ${ms(inside.p50Ms)}, p99 ${ms(inside.p99Ms)}, longest ${ms(inside.maxMs)}`);
  print(`  ${result.perSecond} decisions a second, one after the other`);
}

async function measure(
  host: PolicyHost,
  view: string,
  count: number,
  pauseMs: number,
): Promise<{ roundTrip: Times; inside: Times }> {
  const roundTrip: number[] = [];
  const inside: number[] = [];
  let late = 0;
  while (roundTrip.length < count) {
    const began = performance.now();
    const reply = await host.ask('live', 'plan', view, roundTrip.length + 1);
    if (!reply.ok) {
      // the machine was busy with other things: asked again, but not for ever
      if (reply.fault.guilty || ++late > count) throw refused(reply.fault);
      continue;
    }
    roundTrip.push(performance.now() - began);
    inside.push(reply.value.tookMs);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { roundTrip: timesOf(roundTrip), inside: timesOf(inside) };
}

function timesOf(list: number[]): Times {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** Every fourth model is loaded and idle; requests of three clients wait for the others. */
function sceneOf(ids: readonly string[], waiting: number): PolicyCase {
  const isLoaded = (n: number) => n % 4 === 1;
  const models: Fields = {};
  for (const [n, id] of ids.entries()) {
    const loaded: Fields = isLoaded(n) ? { phase: 'ready', idleMs: 10_000 + n, requestsLastHour: n } : {};
    models[id] = { tags: ['chat', 'code'], memory: { gpu0: 12e9 }, loadMs: 14_000, context: 32_768, ...loaded };
  }
  const targets = ids.filter((_, n) => !isLoaded(n));
  const waits = Array.from({ length: waiting }, (_, n) => ({
    model: targets[n % targets.length] ?? ids[0] ?? '',
    client: `client-${n % 3}`,
    ageMs: 1_000 * n,
    bytes: 12_345,
    streaming: true,
  }));
  const given = { target: targets[0] ?? '', models, asking: waits.length === 0 ? [{}] : [], waiting: waits };
  return { name: 'bench', hook: 'plan', given, expect: {}, options: {}, fallback: null, config: null, path: [] };
}

/** Models of the configuration come first, for options that name some. */
async function namesFor(path: string | undefined): Promise<string[]> {
  const config = await configOf(path);
  return config === null ? [] : [...config.models.keys()];
}

function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= (flag === '--waiting' ? 0 : 1) && count <= 100_000) return count;
  throw new TurnoutError('usage', `read ${flag} "${text}": expected a number from 1 to 100000`);
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}
