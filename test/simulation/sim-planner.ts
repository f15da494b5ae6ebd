/** A planner that answers like the real one, but late, sometimes never, and sometimes nonsense. */
import type { Verdict } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import type { BuiltInPlanner, Planner, View } from '../../src/core/plan.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface PlannerFaults {
  lateMsMax: number;
  never: number;
  nonsense: number;
}

export function simPlanner(real: BuiltInPlanner, scheduler: Scheduler, random: Random, faults: PlannerFaults): Planner {
  return {
    plan(view) {
      const verdict = random.chance(faults.nonsense) ? nonsense(view, random) : real.plan(view);
      if (faults.lateMsMax === 0 && faults.never === 0) return verdict;
      return later((resolve) => {
        if (!random.chance(faults.never)) scheduler.after(random.int(0, faults.lateMsMax), () => resolve(verdict));
      });
    },
  };
}

/** A promise that keeps to virtual time. */
function later(begin: (resolve: (verdict: Verdict) => void) => void): PromiseLike<Verdict> {
  const then = (onAnswer?: ((verdict: Verdict) => unknown) | null) => {
    begin((verdict) => void onAnswer?.(verdict));
    return undefined as unknown as PromiseLike<never>;
  };
  return { then } as PromiseLike<Verdict>;
}

function nonsense(view: View, random: Random): Verdict {
  const some = view.models.filter(() => random.chance(0.5)).map((model) => model.id);
  const reason = 'simulated nonsense';
  switch (random.int(0, 5)) {
    case 0:
      return { action: 'swap', evict: [], reason };
    case 1:
      return { action: 'swap', evict: some, reason, when: random.pick(['idle', 'drain'] as const) };
    case 2:
      return { action: 'swap', evict: [modelId('nobody')], reason };
    case 3:
      return { action: 'wait', forMs: random.int(-5, 5_000), reason };
    case 4:
      return { action: 'wait', reason };
    default:
      return { action: 'reject', status: 429, reason, requests: view.asking.filter(() => random.chance(0.3)) };
  }
}
