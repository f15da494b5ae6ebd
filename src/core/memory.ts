/**
 * What models take, what devices have, and whether it fits: the law of the budget planner. A plain size lies on any device
 * but `ram`; one by device lies there. Pure. Must never decide who leaves.
 */
import type { Memory, Settings } from './settings.ts';
import type { ModelState, State } from './state.ts';

/** Device to bytes. */
export type Bytes = Record<string, number>;

type Devices = Settings['devices'];

const RAM = 'ram';

/** The devices that a plain size may lie on: all but `ram`, or `ram` when there is nothing else. */
export function poolOf(devices: Devices): Devices {
  const pool = devices.filter((device) => device.id !== RAM);
  return pool.length > 0 ? pool : devices;
}

export function totalOf(memory: Memory): number {
  if (typeof memory === 'number') return memory;
  let sum = 0;
  for (const bytes of Object.values(memory)) sum += bytes;
  return sum;
}

/** Sum of the reservations by device, with what may lie anywhere apart. `all` = one of them is not known. */
export interface Reserved {
  byDevice: Bytes;
  anywhere: number;
  all: boolean;
  count: number;
}

export function reserve(memories: Iterable<Memory | null>): Reserved {
  const sum: Reserved = { byDevice: {}, anywhere: 0, all: false, count: 0 };
  for (const memory of memories) {
    sum.count++;
    if (memory === null) sum.all = true;
    else if (typeof memory === 'number') sum.anywhere += memory;
    else for (const [id, bytes] of Object.entries(memory)) sum.byDevice[id] = (sum.byDevice[id] ?? 0) + bytes;
  }
  return sum;
}

/** Bytes that are reserved beyond what there is: by device, and of all of the pool together. Of known sizes only. */
export interface Excess {
  byDevice: Bytes;
  pool: number;
}

export function excess(devices: Devices, reserved: Reserved): Excess {
  const over: Excess = { byDevice: {}, pool: 0 };
  for (const { id, bytes } of devices) {
    const wanted = reserved.byDevice[id] ?? 0;
    if (wanted > bytes) over.byDevice[id] = wanted - bytes;
  }
  if (reserved.anywhere > 0) over.pool = Math.max(0, -poolLeft(devices, reserved));
  return over;
}

/** Bytes that a reservation takes of a device, or of the pool as a whole (`null`). */
export function shareOf(devices: Devices, memory: Memory, device: string | null): number {
  if (typeof memory === 'number') return device === null ? memory : 0;
  if (device !== null) return memory[device] ?? 0;
  let sum = 0;
  for (const { id } of poolOf(devices)) sum += memory[id] ?? 0;
  return sum;
}

export function fits(devices: Devices, memories: Iterable<Memory | null>): boolean {
  const reserved = reserve(memories);
  if (reserved.all) return reserved.count === 1;
  for (const { id, bytes } of devices) if ((reserved.byDevice[id] ?? 0) > bytes) return false;
  return reserved.anywhere === 0 || poolLeft(devices, reserved) >= 0;
}

function poolLeft(devices: Devices, reserved: Reserved): number {
  let left = -reserved.anywhere;
  for (const { id, bytes } of poolOf(devices)) left += bytes - (reserved.byDevice[id] ?? 0);
  return left;
}

/** Median by device of what was observed; null before anything was. */
export function observedOf(samples: readonly Bytes[]): Bytes | null {
  if (samples.length === 0) return null;
  const ids = new Set(samples.flatMap((sample) => Object.keys(sample)));
  const median: Bytes = {};
  for (const id of ids) {
    const sorted = samples.map((sample) => sample[id] ?? 0).sort((a, b) => a - b);
    median[id] = sorted[Math.floor(sorted.length / 2)] as number;
  }
  return median;
}

/**
 * What the next run of a model will take: the larger of what is declared and what was observed, never more than there is
 * (only declared sizes may refuse outright). null = nothing is known, so it is given everything.
 */
export function expectedMemory(devices: Devices, model: ModelState): Memory | null {
  const declared = model.settings.memory;
  const observed = observedOf(model.memorySamples);
  if (observed === null) return declared;
  const capped: Bytes = {};
  for (const { id, bytes } of devices) if (observed[id] !== undefined) capped[id] = Math.min(bytes, observed[id]);
  if (declared === null) return capped;
  if (typeof declared === 'number') return atLeast(devices, capped, declared);
  for (const [id, bytes] of Object.entries(declared)) capped[id] = Math.max(bytes, capped[id] ?? 0);
  return capped;
}

/** A declared plain size says nothing of `ram` beside a pool; what is missing to it goes where most was observed. */
function atLeast(devices: Devices, observed: Bytes, declared: number): Memory {
  const inPool = shareOf(devices, observed, null);
  if (inPool <= declared && inPool === totalOf(observed)) return declared;
  const sizes = { ...observed };
  let missing = declared - inPool;
  const fullestFirst = [...poolOf(devices)].sort((a, b) => (observed[b.id] ?? 0) - (observed[a.id] ?? 0));
  for (const { id, bytes } of fullestFirst) {
    if (missing <= 0) break;
    const more = Math.min(missing, bytes - (observed[id] ?? 0));
    sizes[id] = (sizes[id] ?? 0) + more;
    missing -= more;
  }
  return missing > 0 ? declared : sizes;
}

/** What is reserved for a model: by its run, else by the swap that will start it, else what its next run will take. */
export function memoryOf(state: Readonly<State>, model: ModelState): Memory | null {
  if (model.run !== null) return model.run.memory;
  for (const swap of state.swaps.values()) if (swap.target === model.id) return swap.memory;
  return expectedMemory(state.settings.devices, model);
}
