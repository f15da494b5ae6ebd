/**
 * Causes in words: why a run was stopped, and what each event in a chain of causes contributes. Pure.
 */
import type { EventOf, TurnoutEvent } from '../events.ts';
import { as, exitWords } from './explanation.ts';
import { inThePast, list } from './format.ts';

/** Behind `was stopped`. */
export const STOPPED_FOR: Record<EventOf<'process.stopping'>['data']['reason'], string> = {
  swap: 'to make room',
  ttl: 'because no request came within its ttl',
  unload: 'because an operator asked for it',
  shutdown: 'because turnout was shut down',
  'health-timeout': 'because it did not become ready in time',
  'previous-run': 'because it was left over from a turnout that died',
  stale: 'because its configuration changed',
};

/** One link of a chain of causes in words; null for links that say nothing by themselves. */
export function causeWords(event: TurnoutEvent): string | null {
  const swap = as(event, 'swap.started');
  if (swap !== null) {
    const evict = swap.data.evict.length === 0 ? '' : ` in place of ${list(swap.data.evict)}`;
    return `${swap.model} was to be loaded${evict}`;
  }
  const plan = as(event, 'plan.decided');
  if (plan !== null) return `the ${plan.data.planner.name} planner said: ${inThePast(plan.data.verdict.reason)}`;
  const request = as(event, 'request.arrived');
  if (request !== null)
    return `request ${request.data.id} of client "${request.data.client}" asked for "${request.data.asked}"`;
  const unload = as(event, 'unload.requested');
  if (unload !== null) return `"${unload.data.by}" asked to unload ${list(unload.data.models)}`;
  const drain = as(event, 'swap.draining');
  if (drain !== null) return `${drain.model} had waited too long: ${inThePast(drain.data.reason)}`;
  const left = as(event, 'process.exited');
  if (left !== null) return `${left.model} ${exitWords(left)}`;
  return null;
}
