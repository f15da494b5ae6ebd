// "This or better": a request for a small model may go to a larger one that is loaded already, instead of swapping
// (llama-swap #719). The answer's x-turnout-model tells who served it. Nothing is loaded for this.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'warm-redirect',
  apiVersion: 1,
  description: 'Serves requests by a better model while that is loaded and not crowded.',
  options: {
    better: {
      type: 'model{}',
      doc: 'For a model, the one that may take its requests. No chains: a request moves once.',
    },
    atMost: { type: 'number', default: 4, min: 1, doc: 'Requests that the better model may have in all.' },
  },

  plan({ target, asking, candidates, draining, models, options, swaps, waitingTotal }) {
    const leaving = new Set([...swaps.flatMap((swap) => swap.evict), ...(draining?.evict ?? [])]);
    const { better, atMost } = options;
    const mayMove = Object.hasOwn(better, target) && !Object.values(better).includes(target); // else it moved already
    const to = models.find((model) => mayMove && model.id === better[target]);
    if (to?.phase === 'ready' && !to.stale && !leaving.has(to.id)) {
      const room = atMost - to.inFlight - (waitingTotal[to.id] ?? 0);
      const requests = asking.slice(0, Math.max(0, room));
      const reason = `${to.id} is loaded and at least as good as ${target}`;
      if (requests.length > 0) return { action: 'redirect', model: to.id, requests, reason };
    }
    const best = candidates[0];
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    return { action: 'swap', evict: [...best.evict], reason: best.reason };
  },
});
