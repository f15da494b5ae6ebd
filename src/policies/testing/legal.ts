/**
 * Whether the kernel would carry out an answer, as far as a View can tell: the rules of core/referee.ts without what only
 * the state knows. Pure.
 */
import type { Verdict } from '../../core/events.ts';
import type { BuiltInPlanner } from '../../core/plan.ts';
import type { Refusal } from '../../core/referee.ts';
import type { View } from '../../core/view.ts';

/** Null when nothing is against it. */
export function illegal(view: View, verdict: Verdict, law: BuiltInPlanner): Refusal | null {
  if (verdict.action === 'swap') return illegalSwap(view, verdict.evict, law);
  if (verdict.action !== 'redirect') return null;
  const to = view.models.find(({ id }) => id === verdict.model);
  if (to === undefined) return unknown(verdict.model);
  if (to.id === view.target || to.phase !== 'ready')
    return { rule: 'not-ready', detail: `"${to.id}" is not another model that is ready` };
  return null;
}

function illegalSwap(view: View, evict: readonly string[], law: BuiltInPlanner): Refusal | null {
  const leaving = new Set<string>();
  for (const id of evict) {
    const model = view.models.find((one) => one.id === id);
    if (model === undefined) return unknown(id);
    if (leaving.has(id)) return { rule: 'duplicate', detail: `"${id}" is named twice` };
    if (id === view.target) return { rule: 'target-evicted', detail: `"${id}" is the model that is asked for` };
    if (model.phase !== 'stopped' && model.pinned !== null)
      return { rule: 'pinned', detail: `"${id}" is pinned by ${model.pinned.owner}` };
    if (model.phase !== 'stopped' && model.protected)
      return { rule: 'protected', detail: `"${id}" is protected by the configuration` };
    const swap = view.swaps.find(({ target, evict: victims }) => target === id || victims.some((one) => one === id));
    if (swap !== undefined)
      return { rule: 'held-by-swap', detail: `"${id}" belongs to the swap to "${swap.target}" that is under way` };
    leaving.add(id);
  }
  const coming = new Set<string>(view.swaps.map(({ target }) => target));
  const beside = view.models.filter(
    ({ id, phase }) => id !== view.target && !leaving.has(id) && (phase !== 'stopped' || coming.has(id)),
  );
  const conflict = law.requires(
    view.target,
    beside.map(({ id }) => id),
  );
  if (conflict.length === 0) return null;
  return {
    rule: 'overcommit',
    detail: `"${view.target}" cannot be loaded beside "${conflict.join('", "')}" under the ${law.name} planner`,
  };
}

function unknown(id: string): Refusal {
  return { rule: 'unknown-model', detail: `"${id}" is not a model of this configuration` };
}
