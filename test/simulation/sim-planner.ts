/** A planner that answers like the real one, but late, sometimes never, and sometimes nonsense. */
import type { PolicyVerdict } from '../../src/core/events.ts';
import { modelId } from '../../src/core/ids.ts';
import { type BuiltInPlanner, NO_HINTS, type Planner } from '../../src/core/plan.ts';
import type { Random } from '../../src/core/simulation/random.ts';
import type { Scheduler } from '../../src/core/simulation/scheduler.ts';
import type { View } from '../../src/core/view.ts';

export interface PlannerFaults {
  lateMsMax: number;
  never: number;
  nonsense: number;
}

export function simPlanner(real: BuiltInPlanner, scheduler: Scheduler, random: Random, faults: PlannerFaults): Planner {
  return {
    plan(view) {
      const verdict = random.chance(faults.nonsense) ? nonsense(real, view, random) : real.plan(view, NO_HINTS);
      if (faults.lateMsMax === 0 && faults.never === 0) return verdict;
      return later((resolve) => {
        if (!random.chance(faults.never)) scheduler.after(random.int(0, faults.lateMsMax), () => resolve(verdict));
      });
    },
  };
}

/** A promise that keeps to virtual time. */
function later(begin: (resolve: (verdict: PolicyVerdict) => void) => void): PromiseLike<PolicyVerdict> {
  const then = (onAnswer?: ((verdict: PolicyVerdict) => unknown) | null) => {
    begin((verdict) => void onAnswer?.(verdict));
    return undefined as unknown as PromiseLike<never>;
  };
  return { then } as PromiseLike<PolicyVerdict>;
}

function nonsense(real: BuiltInPlanner, view: View, random: Random): PolicyVerdict {
  const alive = view.models.filter((model) => model.phase !== 'stopped' || random.chance(0.1));
  const some = alive.filter(() => random.chance(0.5)).map((model) => model.id);
  const reason = 'simulated nonsense';
  switch (random.int(0, 9)) {
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
    case 5:
      return { action: 'redirect', model: random.pick(view.models).id, reason };
    case 6:
      return {
        action: 'redirect',
        model: random.pick(view.models).id,
        reason,
        requests: view.asking.filter(() => random.chance(0.5)),
      };
    case 7: {
      // right, and more than that
      const verdict = real.plan(view, NO_HINTS);
      if (verdict.action !== 'swap') return verdict;
      const evict = [...new Set([...verdict.evict, ...some])].filter((id) => id !== view.target);
      return { ...verdict, evict };
    }
    case 8:
      return { action: 'delegate', planner: 'group', protect: some, prefer: some };
    default:
      return { action: 'reject', status: 429, reason, requests: view.asking.filter(() => random.chance(0.3)) };
  }
}
