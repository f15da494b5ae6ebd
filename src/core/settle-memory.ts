/**
 * Between the exit of evicted models and the start of what comes after them: drivers give memory back late, so a start
 * waits until samples say that it is free, for `memoryWait` at most. Where nothing is observed nothing waits.
 */
import type { Batch } from './batch.ts';
import { LIMITS } from './limits.ts';
import { type Bytes, totalOf } from './memory.ts';
import type { State, SwapState } from './state.ts';

/** A driver may keep a little for itself. */
const RETURNED_SHARE = 0.9;

/** Whether the swap's start has to wait for memory at `now`; adds the events of the wait's begin and end. */
export function waitsForMemory(batch: Batch, state: Readonly<State>, swap: SwapState, now: number): boolean {
  const { clearedAt, usedBefore, memoryWait } = swap;
  if (clearedAt === null || usedBefore === null || memoryWait?.over === true) return false;
  const end = (why: 'freed' | 'timeout' | 'unobserved'): boolean => {
    if (memoryWait === null) return false;
    const waitedMs = now - memoryWait.since;
    batch.add({ type: 'memory.awaited', model: swap.target, cause: swap.id, data: { swap: swap.id, why, waitedMs } });
    return true;
  };
  if (!isSampled(state, swap)) {
    if (now < clearedAt + LIMITS.memoryFreshMs) return true;
    return end('unobserved');
  }
  const missing = missingBytes(state, swap);
  if (Object.keys(missing).length === 0) return end('freed');
  const until = memoryWait?.until ?? clearedAt + state.settings.memoryWaitMs;
  if (memoryWait !== null) return now >= until ? end('timeout') : true;
  batch.add({ type: 'memory.short', model: swap.target, cause: swap.id, data: { swap: swap.id, missing, until } });
  return true;
}

/** When the wait is looked at again although no sample came; Infinity when nothing waits. */
export function memoryWaitEnds(swap: SwapState): number {
  if (swap.run !== null || swap.clearedAt === null || swap.usedBefore === null) return Number.POSITIVE_INFINITY;
  if (swap.memoryWait === null) return swap.clearedAt + LIMITS.memoryFreshMs;
  return swap.memoryWait.over ? Number.POSITIVE_INFINITY : swap.memoryWait.until;
}

/** Whether a swap is in the stage in which samples decide: the sampler hurries then, and each sample is recorded. */
export function wantsSamples(swap: SwapState): boolean {
  return swap.run === null && swap.clearedAt !== null && swap.usedBefore !== null && swap.memoryWait?.over !== true;
}

/** Every device that held something of a victim was looked at after the last of them was gone. */
function isSampled(state: Readonly<State>, swap: SwapState): boolean {
  const ids = Object.keys(swap.usedBefore ?? {});
  return ids.every((id) => (state.devices.get(id)?.at ?? Number.NEGATIVE_INFINITY) > (swap.clearedAt ?? 0));
}

/** Bytes that the victims held and the device has not given back, where the target needs them. */
function missingBytes(state: Readonly<State>, swap: SwapState): Bytes {
  const missing: Bytes = {};
  const { memory } = swap;
  for (const [id, { usedBytes, victimBytes }] of Object.entries(swap.usedBefore ?? {})) {
    const seen = state.devices.get(id);
    if (seen === undefined) continue;
    const returned = usedBytes - seen.usedBytes;
    if (returned >= RETURNED_SHARE * victimBytes) continue;
    const free = seen.totalBytes - seen.usedBytes;
    const needed = memory === null ? seen.totalBytes : typeof memory === 'number' ? totalOf(memory) : (memory[id] ?? 0);
    if (needed > free) missing[id] = Math.min(needed - free, victimBytes - returned);
  }
  return missing;
}
