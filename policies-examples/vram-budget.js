// "Keep whatever fits, evict only enough" (llama-swap #158, #488, LM Studio #2111). Room is made by idle models where that
// is possible, by as few as possible, with as little unloaded beyond need as possible. Wants `fallback: budget`.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'vram-budget',
  apiVersion: 1,
  description: 'Unloads idle models before busy ones, few before many, small before large.',

  plan({ target, candidates, models, swaps }) {
    /** @param {string} id */
    const isBusy = (id) => models.some((one) => one.id === id && (one.inFlight > 0 || one.phase === 'starting'));
    /** @param {import('turnout/policy').Candidate} candidate What hurts most comes first. */
    const price = ({ evict, frees, reloadMs }) => [evict.filter(isBusy).length, evict.length, frees, reloadMs];
    const [best] = [...candidates].sort((a, b) => compare(price(a), price(b)));
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    const evict = [...best.evict];
    if (evict.length === 0) return { action: 'swap', evict, reason: `${target} fits beside what is loaded` };
    const gives = best.frees > 0 ? `gives back ${(best.frees / 2 ** 30).toFixed(1)} GiB` : 'makes room';
    const when = evict.some(isBusy) ? 'when it is idle' : 'and is idle';
    return {
      action: 'swap',
      evict,
      reason: `${evict.join(' and ')} ${gives} ${when}: the least that lets ${target} in`,
    };
  },
});

/**
 * @param {number[]} a
 * @param {number[]} b Part by part.
 */
function compare(a, b) {
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs < 0 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}
