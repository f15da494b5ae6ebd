/**
 * What is alive beside a target, and what keeps it there, for planners that know models by what may stand together.
 * Must never decide who leaves.
 */
import type { Verdict } from '../core/events.ts';
import type { ModelId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Hints } from '../core/plan.ts';
import type { ModelSettings } from '../core/settings.ts';
import type { View } from '../core/view.ts';
import { evictionCostMs } from './budget-cost.ts';
import { heldVerdict } from './held.ts';

export interface Neighbours {
  /** Loaded, loading, stopping, or about to be loaded by a swap; never the target. In the order of the view. */
  ids: ModelId[];
  /** Of these, what no swap may evict now: it belongs to another swap, or is held but about to be gone. */
  inMotion: Set<ModelId>;
  /** Of these, what is pinned, protected, or not to be evicted for whoever asks. */
  held: Set<ModelId>;
}

export function neighboursOf(view: View, hints: Hints): Neighbours {
  const found: Neighbours = { ids: [], inMotion: new Set(), held: new Set() };
  const coming = new Set(view.swaps.map((swap) => swap.target));
  const going = new Set(view.swaps.flatMap((swap) => swap.evict));
  for (const model of view.models) {
    const { id, phase } = model;
    if (id === view.target || (phase === 'stopped' && !coming.has(id))) continue;
    found.ids.push(id);
    const held = model.pinned !== null || model.protected || hints.protect.includes(id);
    const leaving = phase === 'stopping' || going.has(id);
    if (coming.has(id) || going.has(id) || (held && leaving)) found.inMotion.add(id);
    if (held && !leaving) found.held.add(id);
  }
  return found;
}

export function mayAllLeave({ inMotion, held }: Neighbours, evict: readonly ModelId[]): boolean {
  return !evict.some((id) => inMotion.has(id) || held.has(id));
}

/** The answer when the target needs the room of models that may not leave: what holds them, or what is under way. */
export function blockedVerdict(view: View, evict: readonly ModelId[], around: Neighbours, hints: Hints): Verdict {
  const held = evict.filter((id) => around.held.has(id));
  if (held.length > 0)
    return heldVerdict(
      view,
      held.map((id) => ({ id })),
      hints,
    );
  const swap = view.swaps.find((one) => evict.includes(one.target) || one.evict.some((id) => evict.includes(id)));
  if (swap !== undefined) return swapFirst(swap);
  const leaving = evict.filter((id) => around.inMotion.has(id));
  return { action: 'wait', reason: `${leaving.join(' and ')} must be gone first` };
}

export function swapFirst(swap: View['swaps'][number]): Verdict {
  return { action: 'wait', reason: `the swap to ${swap.target} comes first` };
}

/** Ms of loading these again: the median of what was observed, 30 s where nothing was. */
export function loadAgainMs(view: View, ids: readonly ModelId[]): number {
  const wanted = new Set(ids);
  let sum = 0;
  for (const { id, loadMs } of view.models) if (wanted.has(id)) sum += loadMs.median ?? LIMITS.loadUnknownMs;
  return sum;
}

/** The same, weighted by how likely that is: what a candidate says of itself. */
export function expectedLoadMs(
  view: View,
  ids: readonly ModelId[],
  settingsOf: ReadonlyMap<ModelId, ModelSettings>,
): number {
  const wanted = new Set(ids);
  let sum = 0;
  for (const model of view.models) {
    if (wanted.has(model.id)) sum += evictionCostMs(view, model, settingsOf.get(model.id));
  }
  return sum;
}
