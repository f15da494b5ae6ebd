/**
 * The group planner: what llama-swap's group router does (spec 4.9). Of the models of a `swap` group one runs at a time;
 * an `exclusive` group evicts the models of other groups that are not `persistent`. Pure; answers at once.
 */
import type { Verdict } from '../core/events.ts';
import type { ModelId } from '../core/ids.ts';
import type { BuiltInPlanner, Hints } from '../core/plan.ts';
import type { GroupSettings, Settings } from '../core/settings.ts';
import type { View } from '../core/view.ts';
import { blockedVerdict, expectedLoadMs, mayAllLeave, neighboursOf, swapFirst } from './neighbours.ts';

export function groupPlanner(settings: Settings): BuiltInPlanner {
  const groups = new Map(settings.groups.map((group) => [group.id, group]));
  const groupOf = new Map(settings.models.map((model) => [model.id, groups.get(model.group)]));
  const settingsOf = new Map(settings.models.map((model) => [model.id, model]));

  const requires = (target: ModelId, alive: Iterable<ModelId>): ModelId[] => {
    const group = groupOf.get(target);
    const evicted: ModelId[] = [];
    for (const id of alive) {
      if (id !== target && mustLeave(group, groupOf.get(id))) evicted.push(id);
    }
    return evicted;
  };
  const planFor = (view: View, hints: Hints) => plan(view, hints, requires, groupOf);

  return {
    name: 'group',
    version: '1',
    evictsWhenReady: true,
    requires,
    candidates(view, hints) {
      const verdict = planFor(view, hints);
      if (verdict.action !== 'swap') return [];
      const { evict, reason } = verdict;
      return [{ evict, frees: 0, reloadMs: expectedLoadMs(view, evict, settingsOf), reason }];
    },
    plan: planFor,
  };
}

/** The table of spec 4.9. A model that left the configuration belongs to no group and yields to any exclusive one. */
function mustLeave(target: GroupSettings | undefined, other: GroupSettings | undefined): boolean {
  if (target === undefined) return false;
  if (other === undefined) return target.exclusive;
  if (target.id === other.id) return target.swap;
  return target.exclusive && !other.persistent;
}

/** There is one way only, so whatever may not leave decides. */
function plan(
  view: View,
  hints: Hints,
  requires: BuiltInPlanner['requires'],
  groupOf: Map<ModelId, GroupSettings | undefined>,
): Verdict {
  const around = neighboursOf(view, hints);
  const evict = requires(view.target, around.ids);
  const ahead = view.swaps.find(
    (swap) => swap.evict.includes(view.target) || requires(swap.target, [view.target]).length > 0,
  );
  if (!mayAllLeave(around, evict)) return blockedVerdict(view, evict, around, hints);
  if (ahead !== undefined) return swapFirst(ahead);
  return { action: 'swap', evict, reason: reasonFor(view.target, evict, groupOf) };
}

function reasonFor(
  target: ModelId,
  evict: readonly ModelId[],
  groupOf: Map<ModelId, GroupSettings | undefined>,
): string {
  if (evict.length === 0) return `nothing stands in the way of ${target}`;
  const group = groupOf.get(target);
  const same = evict.filter((id) => groupOf.get(id)?.id === group?.id);
  const others = evict.filter((id) => groupOf.get(id)?.id !== group?.id);
  const reasons: string[] = [];
  if (same.length > 0) reasons.push(`group ${group?.id} runs one model at a time, so ${same.join(' and ')} must leave`);
  if (others.length > 0) reasons.push(`group ${group?.id} is exclusive, so ${others.join(' and ')} must leave`);
  return reasons.join('; ');
}
