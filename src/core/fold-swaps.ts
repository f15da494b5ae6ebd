/** The fold of plans, drains and swaps. */
import { type Fold, modelOf, nothing } from './fold-common.ts';
import { type ModelId, swapId } from './ids.ts';

export const SWAPS = {
  'plan.decided': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    const { verdict, outcome, epoch } = event.data;
    if (outcome === 'rejected') model.blocked = null; // those that were not refused are asked about again
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
    state.swaps.set(id, { id, target, evict, drain, startedAt: event.at, run: null });
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
