/**
 * Causes in words: why a run was stopped, and what each event in a chain of causes contributes. Pure.
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import { as, exitWords } from './explanation.ts';
import { formatRough, inThePast, list } from './format.ts';

/** Behind `was stopped`. */
export const STOPPED_FOR: Record<EventOf<'process.stopping'>['data']['reason'], string> = {
  swap: 'to make room',
  policy: 'because a policy asked for it',
  ttl: 'because no request came within its ttl',
  unload: 'because an operator asked for it',
  shutdown: 'because turnout was shut down',
  'health-timeout': 'because it did not become ready in time',
  'previous-run': 'because it was left over from an earlier turnout',
  stale: 'because its configuration changed',
};

/** How a run came to outlive the turnout that started it. */
export const ADOPTED_AFTER: Record<EventOf<'process.adopted'>['data']['how'], string> = {
  killed: 'which outlived a turnout that died',
  kept: 'which an earlier turnout left running',
  'handed-over': 'which the turnout before handed over',
};

/**
 * Behind `because`: why turnout loads a model that nobody asked for. `setting` stands in the endpoint of such an arrival;
 * `afterMs` is what `whenIdle` says now, where that is known.
 */
export function idleWords(setting: string, afterMs: number | null = null): string {
  if (setting === 'policy') return 'a policy asked for it';
  if (setting === 'keepWarm') return 'it is kept warm at this time (keepWarm)';
  return afterMs === null
    ? `no request came for a while (${setting})`
    : `no request came for ${formatRough(afterMs)} (${setting})`;
}

/**
 * One link of a chain of causes in words; null for links that say nothing by themselves. `whenIdleMs` as in `idleWords`.
 */
export function causeWords(event: TurnoutEvent, whenIdleMs: number | null = null): string | null {
  const swap = as(event, 'swap.started');
  if (swap !== null) {
    return swap.data.evict.length === 0 ? null : `${swap.model} was to be loaded in place of ${list(swap.data.evict)}`;
  }
  const plan = as(event, 'plan.decided');
  if (plan !== null) return `the ${plan.data.planner.name} planner said: ${inThePast(plan.data.verdict.reason)}`;
  const request = as(event, 'request.arrived');
  if (request?.data.kind === 'idle') return inThePast(idleWords(request.data.endpoint, whenIdleMs));
  if (request !== null)
    return `request ${request.data.id} of client "${request.data.client}" asked for "${request.data.asked}"`;
  const unload = as(event, 'unload.requested');
  if (unload !== null) return `"${unload.data.by}" asked to unload ${list(unload.data.models)}`;
  const drain = as(event, 'swap.draining');
  if (drain !== null) return `${drain.model} had waited too long: ${inThePast(drain.data.reason)}`;
  const left = as(event, 'process.exited');
  if (left !== null) return `${left.model} ${exitWords(left)}`;
  const stopping = as(event, 'process.stopping');
  if (stopping !== null) return `it was stopped ${stoppedWords(stopping)}`;
  const config = as(event, 'config.applied');
  if (config !== null) return config.data.trigger === 'reload' ? 'the configuration was read anew' : 'turnout started';
  return null;
}

/** Behind `was stopped`, with what is special about it. */
export function stoppedWords({ data: { reason, detail } }: EventOf<'process.stopping'>): string {
  const words = STOPPED_FOR[reason];
  return detail === null || words.includes(detail) ? words : `${words} (${detail})`;
}
