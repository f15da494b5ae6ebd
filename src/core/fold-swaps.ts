/** The fold of plans, drains and swaps. */
import { type Fold, modelOf, nothing } from './fold-common.ts';
import { type ModelId, swapId } from './ids.ts';
import { expectedMemory } from './memory.ts';
import type { State, SwapState } from './state.ts';

export const SWAPS = {
  'plan.decided': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { verdict, outcome, epoch } = event.data;
    // those that were not refused or moved are asked about again
    if (outcome === 'rejected' || outcome === 'redirected') model.blocked = null;
    model.pending =
      outcome === 'pending' && verdict.action === 'swap'
        ? {
            evict: verdict.evict,
            epoch,
            plan: event.position,
            reason: verdict.reason,
            drain: verdict.when === 'drain',
          }
        : null;
  },
  'plan.rejected': nothing,
  'target.blocked': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    model.blocked = { on: event.data.on, until: event.data.until, reason: event.data.reason, at: event.at };
    if (event.data.on !== 'swap') model.pending = null;
  },

  'swap.draining': (state, event) => {
    state.drain = {
      id: event.position,
      target: event.model as ModelId,
      evict: event.data.evict,
      since: event.at,
      until: event.data.until,
      swap: null,
    };
    state.planEpoch++;
  },
  'drain.ended': (state) => {
    state.drain = null;
    state.planEpoch++;
  },
  'swap.started': (state, event) => {
    const id = swapId(event.position);
    const target = event.model as ModelId;
    const { evict, drain } = event.data;
    const model = modelOf(state, target);
    if (model === undefined) return;
    const memory = expectedMemory(state.settings.devices, model);
    const cleared = evict.every((victim) => modelOf(state, victim)?.run == null);
    state.swaps.set(id, {
      id,
      target,
      evict,
      drain,
      startedAt: event.at,
      run: null,
      memory,
      clearedAt: cleared ? event.at : null,
      usedBefore: cleared ? null : usedBy(state, evict),
      memoryWait: null,
    });
    if (state.drain !== null && state.drain.id === drain) state.drain.swap = id;
    model.pending = null;
    model.blocked = null;
    state.planEpoch++;
  },
  'swap.finished': (state, event) => {
    const swap = state.swaps.get(event.data.swap);
    state.swaps.delete(event.data.swap);
    const model = modelOf(state, swap?.target);
    if (model !== undefined && event.data.ok) model.leases = new Set(model.waiting);
    state.planEpoch++;
  },
  'swap.abandoned': (state, event) => {
    state.swaps.delete(event.data.swap);
    state.planEpoch++;
  },
} satisfies Partial<Fold>;

/** What the devices hold now and what of it is the victims'; null where nothing of them was observed. */
function usedBy(state: State, evict: readonly ModelId[]): SwapState['usedBefore'] {
  const used: NonNullable<SwapState['usedBefore']> = {};
  for (const victim of evict) {
    const held = modelOf(state, victim)?.memorySamples.at(-1);
    for (const [device, bytes] of Object.entries(held ?? {})) {
      const seen = state.devices.get(device);
      if (seen === undefined) continue;
      used[device] ??= { usedBytes: seen.usedBytes, victimBytes: 0 };
      used[device].victimBytes += bytes;
    }
  }
  return Object.keys(used).length === 0 ? null : used;
}
