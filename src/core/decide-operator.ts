/** What an operator's orders mean: unloading by hand, and stopping turnout. */
import type { Batch } from './batch.ts';
import { abandonSwap, killAt, rejectWaiting, stopRun } from './endings.ts';
import type { Position } from './ids.ts';
import type { InputOf } from './inputs.ts';
import { isEnding } from './rules.ts';
import type { ModelState, State } from './state.ts';

/** Unloading does not wait for requests in flight (spec 4.7) and never blocks other models. */
export function unloadAsked(
  batch: Batch,
  state: Readonly<State>,
  { models, by }: InputOf<'operator.unload'>,
  now: number,
): void {
  const named = models.length > 0 ? models : [...new Set([...state.alive, ...state.targets])];
  const known = named.filter((id) => state.models.has(id));
  const cause = batch.add({ type: 'unload.requested', data: { models: known, by, cause: 'operator' } });
  const refusal = { status: 500, code: 'model-unloaded', reason: 'unspecific error: group: model unloaded', cause };
  for (const id of known) {
    const model = state.models.get(id) as ModelState;
    rejectWaiting(batch, model, refusal);
    abandonSwap(batch, state, id, `${by} asked to unload ${id}`, cause);
    stopRun(batch, model.run, { reason: 'unload', killAt: killAt(state, id, now), cause, detail: `asked by ${by}` });
  }
}

/** The first signal drains, the second stops at once. Models that are to be kept are kept whatever the hurry. */
export function shutdownAsked(
  batch: Batch,
  state: Readonly<State>,
  { signal, force, keep = false }: InputOf<'operator.shutdown'>,
  now: number,
): void {
  if (state.phase === 'stopped') return;
  let cause: Position | undefined;
  const ending = isEnding(state);
  if (!ending) {
    cause = batch.add({ type: 'router.draining', data: { signal, ...(keep ? { keep } : {}) } });
    const reason = 'unspecific error: group is shutting down';
    for (const id of state.targets) {
      const model = state.models.get(id) as ModelState;
      rejectWaiting(batch, model, { status: 500, code: 'shutting-down', reason, cause });
    }
    for (const swap of state.swaps.values()) abandonSwap(batch, state, swap.target, 'turnout is shutting down', cause);
  }
  if (!force && !ending) return;
  const kept = ending ? state.phase === 'leaving' : keep;
  for (const id of state.alive) {
    const model = state.models.get(id) as ModelState;
    if (kept && model.run?.phase !== 'stopping') continue;
    stopRun(batch, model.run, { reason: 'shutdown', killAt: now, ...(cause === undefined ? {} : { cause }) });
    killRun(batch, model, `${signal} came a second time`);
  }
}

function killRun(batch: Batch, model: ModelState, why: string): void {
  if (model.run === null || (model.run.phase === 'stopping' && model.run.killed)) return;
  batch.add({ type: 'process.killed', model: model.id, cause: model.run.run, data: { run: model.run.run, why } });
}
