/** Verdicts in words, as the policy commands print them. Must never shorten a reason. */
import type { IdleVerdict, PolicyVerdict } from '../../core/events.ts';
import { formatDuration, list } from '../../core/history/format.ts';

export function verdictText(verdict: PolicyVerdict | IdleVerdict): string {
  const { action, reason } = verdict;
  return `${actionText(verdict)}${reason === undefined ? '' : `: ${reason}`}${action === 'swap' && verdict.when === 'drain' ? ' (draining)' : ''}`;
}

function actionText(verdict: PolicyVerdict | IdleVerdict): string {
  switch (verdict.action) {
    case 'swap':
      return verdict.evict.length === 0 ? 'load it' : `evict ${list(verdict.evict)}`;
    case 'wait':
      return verdict.forMs === undefined ? 'wait' : `wait ${formatDuration(verdict.forMs)}`;
    case 'reject':
      return `refuse with ${verdict.status}`;
    case 'redirect':
      return `let ${verdict.model} serve`;
    case 'delegate': {
      const { planner, protect = [], prefer = [] } = verdict;
      const held = protect.length === 0 ? '' : `, which may not evict ${list(protect, 'or')}`;
      return `ask the ${planner ?? 'usual'} planner${held}${prefer.length === 0 ? '' : `, ${list(prefer)} first`}`;
    }
    case 'none':
      return 'nothing';
    default:
      return `${verdict.action} ${verdict.model}`;
  }
}
