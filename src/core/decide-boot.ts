/** What a start and a new configuration mean for what is there already. */
import type { Batch } from './batch.ts';
import { abandonSwap, rejectWaiting } from './endings.ts';
import type { InputOf } from './inputs.ts';
import { LIMITS } from './limits.ts';
import { isEnding } from './rules.ts';
import type { State } from './state.ts';

/**
 * Closes what a killed predecessor left open: requests and swaps get their terminal events; its children are adopted
 * where they were found fit for it, and stopped otherwise.
 */
export function routerBoot(
  batch: Batch,
  state: Readonly<State>,
  { started, replaced, children = [], handedOver = false }: InputOf<'router.boot'>,
  now: number,
): void {
  const unfinished = state.phase === 'running' || isEnding(state) ? state.started : null;
  const how = unfinished !== null ? 'killed' : handedOver ? 'handed-over' : 'kept';
  const found = new Map(children.map((child) => [child.run, child]));
  const cause = batch.add({ type: 'router.started', data: { ...started, unfinished } });
  if (replaced !== null) batch.add({ type: 'log.replaced', cause, data: replaced });
  for (const request of state.requests.values()) {
    const stage = request.granted === null ? 'waiting' : 'serving';
    batch.add({ type: 'request.lost', model: request.model, request: request.key, cause, data: { stage } });
  }
  for (const swap of state.swaps.values()) {
    batch.add({
      type: 'swap.abandoned',
      model: swap.target,
      cause,
      data: { swap: swap.id, why: 'turnout was killed' },
    });
  }
  if (state.drain !== null) {
    const { id, target } = state.drain;
    batch.add({ type: 'drain.ended', model: target, cause, data: { drain: id, why: 'failed' } });
  }
  for (const model of state.models.values()) {
    if (model.run === null) continue;
    const child = found.get(model.run.run);
    if (child?.adoptable && model.run.phase !== 'stopping') {
      const { run, pid, startTime, bootId, baseUrl } = child;
      // even one whose time is over gets as long as it takes to see that it is loaded by now
      const deadline = model.run.phase === 'starting' ? Math.max(model.run.deadline, now + LIMITS.adoptHealthMs) : null;
      const data = { run, pid, startTime, bootId, baseUrl, how, deadline } as const;
      batch.add({ type: 'process.adopted', model: model.id, cause, data });
      continue;
    }
    const detail = child?.adoptable === false ? `not adopted: ${child.why}` : 'it was alive when turnout ended';
    batch.add({
      type: 'process.stopping',
      model: model.id,
      cause,
      data: { run: model.run.run, reason: 'previous-run', killAt: now + model.settings.stopGraceMs, detail },
    });
  }
}

/** Requests that wait for a model that is gone are refused, unless a run of it lives and serves them. */
export function configLoaded(
  batch: Batch,
  state: Readonly<State>,
  { hash, trigger, settings }: InputOf<'config.loaded'>,
): void {
  const cause = batch.add({ type: 'config.applied', data: { hash, trigger, settings } });
  const kept = new Set(settings.models.map((model) => model.id));
  for (const model of state.models.values()) {
    const lives = model.run !== null && model.run.phase !== 'stopping';
    if (kept.has(model.id) || lives) continue;
    const reason = `model "${model.id}" left the configuration`;
    rejectWaiting(batch, model, { status: 503, code: 'model-removed', reason, cause });
    abandonSwap(batch, state, model.id, reason, cause);
  }
}
