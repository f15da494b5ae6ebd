/** What samples of devices and operators' orders about memory and pins mean. */
import type { Batch } from './batch.ts';
import type { InputOf } from './inputs.ts';
import { LIMITS } from './limits.ts';
import { type Bytes, observedOf } from './memory.ts';
import { modelOfRun } from './rules.ts';
import { wantsSamples } from './settle-memory.ts';
import type { State } from './state.ts';

export function pinAsked(batch: Batch, state: Readonly<State>, { model, owner, until }: InputOf<'operator.pin'>): void {
  if (state.models.get(model)?.configured !== true) return;
  batch.add({ type: 'model.pinned', model, data: { owner, until } });
}

export function unpinAsked(batch: Batch, state: Readonly<State>, { model, by }: InputOf<'operator.unpin'>): void {
  if (state.models.get(model)?.pin == null) return;
  batch.add({ type: 'model.unpinned', model, data: { by, why: 'operator' } });
}

export function forgetAsked(batch: Batch, state: Readonly<State>, { model, by }: InputOf<'operator.forget'>): void {
  if (!state.models.has(model)) return;
  batch.add({ type: 'memory.forgotten', model, data: { by } });
}

/** Samples come often; only those that say something new become events. */
export function devicesSampled(
  batch: Batch,
  state: Readonly<State>,
  { devices, runs }: InputOf<'devices.sampled'>,
): void {
  const awaited = [...state.swaps.values()].some(wantsSamples);
  const news = devices.filter(({ id, totalBytes, usedBytes }) => {
    const known = state.devices.get(id);
    return awaited || known === undefined || known.totalBytes !== totalBytes || differs(known.usedBytes, usedBytes);
  });
  if (news.length > 0) batch.add({ type: 'devices.sampled', data: { devices: news } });
  for (const { run, bytes } of runs) {
    const model = modelOfRun(state, run);
    if (model?.run?.phase !== 'ready') continue;
    if (!isNewSample(model.memorySamples, bytes)) continue;
    batch.add({ type: 'memory.observed', model: model.id, cause: run, data: { run, bytes } });
  }
}

/** The first samples count whatever they say; later ones when they differ from the median. */
function isNewSample(samples: readonly Bytes[], bytes: Bytes): boolean {
  const median = observedOf(samples);
  if (median === null || samples.length < LIMITS.memorySamples) return true;
  const ids = new Set([...Object.keys(median), ...Object.keys(bytes)]);
  return [...ids].some((id) => differs(median[id] ?? 0, bytes[id] ?? 0));
}

function differs(before: number, now: number): boolean {
  return Math.abs(now - before) > Math.max(LIMITS.memoryNewsBytes, LIMITS.memoryNewsShare * before);
}
