/** What is reported of users' policies: loaded, failing (three strikes in five minutes disable one), ranking, idling. */
import type { Batch } from './batch.ts';
import { killAt, stopRun } from './endings.ts';
import { heldBy } from './holds.ts';
import { requestId, requestKey } from './ids.ts';
import type { InputOf } from './inputs.ts';
import { LIMITS } from './limits.ts';
import { isBusy, mayLeave, mustGet } from './rules.ts';
import { IDLE_CLIENT } from './settle-idle.ts';
import type { State } from './state.ts';

export function policyLoaded(batch: Batch, _state: unknown, { loaded }: InputOf<'policy.loaded'>): void {
  batch.add({ type: 'policy.loaded', data: loaded });
}

export function policyRefused(batch: Batch, _state: unknown, { slot, fault }: InputOf<'policy.refused'>): void {
  batch.add({ type: 'policy.refused', data: { slot, fault } });
}

/** Recorded for one that was only ever refused, too: its refusal does not matter any more. */
export function policyUnloaded(batch: Batch, _state: unknown, { slot }: InputOf<'policy.unloaded'>): void {
  batch.add({ type: 'policy.unloaded', data: { slot } });
}

/** A failure that is the policy's own counts; the third within five minutes disables it until it changes. */
export function policyFailed(
  batch: Batch,
  state: Readonly<State>,
  { slot, fault, guilty }: InputOf<'policy.failed'>,
  now: number,
): void {
  const policy = state.policies.get(slot);
  if (policy === undefined || policy.disabled !== null) return;
  const recent = policy.strikes.filter((at) => at > now - LIMITS.policyStrikesWithinMs).length;
  const strike = guilty ? recent + 1 : 0;
  const cause = batch.add({ type: 'policy.failed', data: { slot, fault, strike } });
  if (strike < LIMITS.policyStrikesMax) return;
  const minutes = LIMITS.policyStrikesWithinMs / 60_000;
  const why = `it failed ${strike} times within ${minutes} minutes, at last in ${fault.during}(): ${fault.message}`;
  batch.add({ type: 'policy.disabled', cause, data: { slot, why } });
}

export function policyRanked(batch: Batch, state: Readonly<State>, { epoch, order }: InputOf<'policy.ranked'>): void {
  if (epoch !== state.planEpoch) return;
  const known = [...new Set(order)].filter((id) => state.models.has(id));
  if (known.join('\n') !== state.rank.join('\n')) batch.add({ type: 'targets.ranked', data: { order: known } });
}

/** How soon a policy may be asked again, in ms; a wish for less would be a question in every turn. */
const POLICY_WAKE_MIN_MS = 1_000;

/** Loads and unloads that a policy wants while nothing waits: never what is pinned, protected or in use. */
export function policyIdled(
  batch: Batch,
  state: Readonly<State>,
  { epoch, verdict }: InputOf<'policy.idle'>,
  now: number,
): void {
  if (epoch !== state.planEpoch || state.phase !== 'running') return;
  const model = verdict.action === 'none' ? undefined : state.models.get(verdict.model);
  const keeps = (verdict.keep ?? []).filter((one) => state.models.has(one.model));
  const { wakeAt, ...rest } = verdict;
  const wake = wakeAt === undefined ? null : Math.max(wakeAt, now + POLICY_WAKE_MIN_MS);
  const says = model !== undefined || keeps.length > 0 || wake !== state.policyWakeAt;
  if (!says) return;
  const told = { ...rest, ...(wake === null ? {} : { wakeAt: wake }), keep: keeps };
  const cause = batch.add({ type: 'policy.idled', data: { epoch, verdict: told } });
  if (model === undefined || verdict.action === 'none') return;
  if (verdict.action === 'unload') {
    if (model.run?.phase !== 'ready' || isBusy(model) || model.waiting.size > 0) return;
    if (!mayLeave(model, now) || heldBy(state, model.id) !== null) return;
    const detail = verdict.reason;
    stopRun(batch, model.run, { reason: 'policy', killAt: killAt(state, model.id, now), cause, detail });
    return;
  }
  const isFree = state.requests.size === 0 && state.swaps.size === 0 && state.drain === null;
  if (!isFree || model.run !== null || !model.configured || (model.backoff?.until ?? 0) > now) return;
  const position = state.position + batch.drafts.length + 1;
  batch.add({
    type: 'request.arrived',
    model: model.id,
    request: requestKey(position),
    cause,
    data: {
      id: requestId(`idle_${position}`),
      kind: 'idle',
      asked: model.id,
      client: IDLE_CLIENT,
      session: null,
      method: 'LOAD',
      endpoint: 'policy',
      bytes: 0,
      streaming: false,
      priority: mustGet(state, model.id).settings.priority,
    },
  });
}

export function policyDisagreed(batch: Batch, _state: unknown, input: InputOf<'policy.disagreed'>): void {
  const { plan, slot, verdict, reason } = input;
  batch.add({ type: 'policy.disagreed', cause: plan, data: { plan, slot, verdict, reason } });
}
