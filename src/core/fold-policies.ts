/** The fold of what users' policies are and said: loaded, failing, disabled, ranking, idling. */
import type { Fold } from './fold-common.ts';
import { nothing } from './fold-common.ts';
import { LIMITS } from './limits.ts';

export const POLICIES = {
  'policy.loaded': (state, event) => {
    state.policies.set(event.data.slot, { ...event.data, strikes: [], disabled: null, loaded: event.position });
    if (event.data.slot === 'live') startAnew(state);
  },
  'policy.refused': nothing,
  'policy.failed': (state, event) => {
    const policy = state.policies.get(event.data.slot);
    if (policy === undefined || event.data.strike === 0) return;
    policy.strikes.push(event.at);
    if (policy.strikes.length > LIMITS.policyStrikesMax) policy.strikes.shift();
  },
  'policy.disabled': (state, event) => {
    const policy = state.policies.get(event.data.slot);
    if (policy === undefined) return;
    policy.disabled = event.data.why;
    if (event.data.slot === 'live') startAnew(state);
  },
  'policy.unloaded': (state, event) => {
    state.policies.delete(event.data.slot);
    if (event.data.slot === 'live') startAnew(state);
  },
  'policy.idled': (state, event) => {
    const { wakeAt, keep } = event.data.verdict;
    state.policyWakeAt = wakeAt ?? null;
    for (const { model, until } of keep ?? []) {
      const kept = state.models.get(model);
      if (kept !== undefined) kept.keptUntil = until;
    }
  },
  'policy.disagreed': nothing,
  'targets.ranked': (state, event) => {
    state.rank = event.data.order;
  },
} satisfies Partial<Fold>;

/** Another planner is in charge: what the one before it wished does not hold any more. */
function startAnew(state: Parameters<Fold['policy.loaded']>[0]): void {
  state.policyWakeAt = null;
  state.rank = [];
  for (const model of state.models.values()) model.keptUntil = null;
  state.planEpoch++;
}
