/** The fold of what is known of devices and of what models hold of them, and of pins. */
import { type Fold, liveRun, modelOf } from './fold-common.ts';
import { LIMITS } from './limits.ts';
import { observedOf } from './memory.ts';

export const MEMORY = {
  'model.pinned': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    model.pin = { owner: event.data.owner, until: event.data.until };
    state.planEpoch++;
  },
  'model.unpinned': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    model.pin = null;
    state.planEpoch++;
  },
  'memory.observed': (state, event) => {
    const model = modelOf(state, event.model);
    const run = liveRun(state, event.model, event.data.run);
    if (model === undefined) return;
    model.memorySamples.push(event.data.bytes);
    if (model.memorySamples.length > LIMITS.memorySamples) model.memorySamples.shift();
    // A run that was given everything for want of knowledge gives the rest back once it is known.
    if (run === null || run.memory !== null || model.memorySamples.length < LIMITS.memorySettledSamples) return;
    run.memory = observedOf(model.memorySamples);
    state.planEpoch++;
  },
  'memory.forgotten': (state, event) => {
    const model = modelOf(state, event.model);
    if (model === undefined) return;
    model.memorySamples = [];
    state.planEpoch++;
  },
  'memory.short': (state, event) => {
    const swap = state.swaps.get(event.data.swap);
    if (swap !== undefined) swap.memoryWait = { since: event.at, until: event.data.until, over: false };
  },
  'memory.awaited': (state, event) => {
    const swap = state.swaps.get(event.data.swap);
    if (swap === undefined) return;
    swap.memoryWait = { since: event.at, until: event.at, over: true };
  },
  'devices.sampled': (state, event) => {
    for (const { id, totalBytes, usedBytes } of event.data.devices) {
      state.devices.set(id, { totalBytes, usedBytes, at: event.at });
    }
  },
} satisfies Partial<Fold>;
