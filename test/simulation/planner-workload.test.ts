/** The planners' benchmark, as ratios that must hold: on the real loop in virtual time, never a time of this machine. */
import { describe, expect, it } from 'vitest';
import { type Contender, largestSets, PLANNERS, RULES } from '../../bench/planners-contenders.ts';
import { type Figures, figuresOf } from '../../bench/planners-measure.ts';
import { bestOrder } from '../../bench/planners-offline.ts';
import { bySets, oneAtATime, playRule } from '../../bench/planners-rule.ts';
import { playKernel } from '../../bench/planners-run.ts';
import { batch, chat, noOrder, oneModel } from '../../bench/planners-shapes.ts';
import { agentsWorkload, type Workload } from '../../bench/planners-workload.ts';
import { groundOf, runOf } from '../../bench/planners-world.ts';

const REQUESTS = 300;
const workloads = [1, 2, 3, 4, 5, 6].map((seed) => agentsWorkload(seed, REQUESTS));
const [groupRule, matrixRule] = RULES as [Contender, Contender];

function contender(name: string): Contender {
  const found = PLANNERS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`a contender "${name}" was expected, there is none`);
  return found;
}

type Played = { workload: Workload; run: ReturnType<typeof playKernel> };

function play({ name, settings }: Contender, on: readonly Workload[]): Played[] {
  const runs = on.map((workload) => ({ workload, run: playKernel(workload, settings(workload)) }));
  for (const { run } of runs) expect(run.errors, name).toEqual([]);
  return runs;
}

function measure(contender: Contender, on: readonly Workload[]): Figures {
  return figuresOf(play(contender, on), 0);
}

describe('three agents who alternate over five models', { timeout: 120_000 }, () => {
  const keptRuns = play(contender('budget, anti-thrash'), workloads);
  const ruleRuns = play(matrixRule, workloads);
  const [kept, rule] = [figuresOf(keptRuns, 0), figuresOf(ruleRuns, 0)];

  it("wait at least 30 % less with the budget planner and anti-thrash than under llama-swap's rule", () => {
    const worse = measure(groupRule, workloads.slice(0, 2));
    expect(worse.waitMs).toBeGreaterThan(measure(matrixRule, workloads.slice(0, 2)).waitMs);
    expect(kept.waitMs / rule.waitMs).toBeLessThan(0.7);
    expect(kept.swaps).toBeLessThan(rule.swaps);
    expect(kept.swapsAvoided).toBeGreaterThan(0);
  });

  it('wait less in each case, not only on the whole', () => {
    const each = (runs: Played[]) => runs.map((run) => figuresOf([run], 0).waitMs);
    const ruled = each(ruleRuns);
    for (const [i, waitMs] of each(keptRuns).entries()) {
      expect(waitMs / (ruled[i] ?? 1), `seed ${i + 1}`).toBeLessThan(0.85);
    }
  });

  it('never wait beyond the bound: maxWait + (K+1) x (drain + stop + load)', () => {
    expect(kept.ofBound).toBeLessThan(1);
    expect(kept.longestMs).toBeGreaterThan(0);
  });

  it('wait the same in every run', () => {
    expect(measure(contender('budget, anti-thrash'), workloads.slice(0, 1))).toEqual(
      measure(contender('budget, anti-thrash'), workloads.slice(0, 1)),
    );
  });
});

describe("llama-swap's rule", { timeout: 120_000 }, () => {
  const some = workloads.slice(0, 3);
  const alone = (play: (workload: Workload) => Parameters<typeof playRule>[1]) => {
    const runs = some.map((workload) => {
      return { workload, run: runOf(workload, playRule(groundOf(workload), play(workload))) };
    });
    return figuresOf(runs, 0);
  };

  it('makes people wait as long by itself as by the kernel without fairness, one model at a time', () => {
    const ratio = measure(groupRule, some).waitMs / alone(() => oneAtATime).waitMs;
    expect(Math.abs(ratio - 1)).toBeLessThan(0.01);
  });

  it('is not made worse by the kernel, with sets of models', () => {
    const ratio = measure(matrixRule, some).waitMs / alone((workload) => bySets(largestSets(workload))).waitMs;
    expect(ratio).toBeLessThan(1.05);
  });

  it('is beaten by far by somebody who knows what comes', () => {
    const [workload] = some as [Workload];
    const best = figuresOf([{ workload, run: runOf(workload, bestOrder(groundOf(workload), 5)) }], 0);
    expect(best.waitMs).toBeLessThan(0.6 * measure(matrixRule, [workload]).waitMs);
  });
});

describe('anti-thrash makes nobody wait more than 5 % longer', { timeout: 120_000 }, () => {
  const SHAPES = { oneModel, chat, batch, noOrder };

  it.each(
    Object.keys(SHAPES).flatMap((shape) => ['group', 'matrix', 'budget'].map((planner) => [shape, planner] as const)),
  )('%s, %s', (shape, planner) => {
    const on = [1, 2, 3].map((seed) => SHAPES[shape as keyof typeof SHAPES](seed, 60));
    const without = measure(contender(planner), on);
    const kept = measure(contender(`${planner}, anti-thrash`), on);
    expect(kept.waitMs / without.waitMs).toBeLessThan(1.05);
    expect(kept.ofBound).toBeLessThan(1);
  });
});
