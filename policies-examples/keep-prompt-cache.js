// "The swap took 20 s, but reading 90,000 tokens again took half an hour" (llama-swap #1064 and #1127, llama.cpp #28998).
// Of all ways to make room it takes what is rebuilt in the least time: the load, and the prompt cache that is lost.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'keep-prompt-cache',
  apiVersion: 1,
  description: 'Evicts whatever is cheapest to load and to fill again.',
  options: {
    tokensPerSec: { type: 'number', default: 500, min: 1, doc: 'Reading speed of a model that has not told its own.' },
    loadSec: { type: 'number', default: 30, min: 0, doc: 'Load time of a model that was never loaded before.' },
  },

  plan({ target, candidates, models, options, swaps }) {
    /** @param {string} id Ms until it would be what it is now; what stops, or is of an old configuration, goes anyway. */
    const rebuildMs = (id) => {
      const model = models.find((one) => one.id === id);
      if (model === undefined || model.phase === 'stopping' || model.stale) return 0;
      const readMs = ((model.cachedTokens ?? 0) / (model.prefillPerSecond || options.tokensPerSec)) * 1000;
      return Math.round((model.loadMs.median ?? options.loadSec * 1000) + readMs);
    };
    /** @param {import('turnout/policy').Candidate} candidate */
    const costMs = ({ evict }) => evict.reduce((sum, id) => sum + rebuildMs(id), 0);
    /** @param {import('turnout/policy').Candidate} candidate */
    const words = (candidate) => `takes ${Math.round(costMs(candidate) / 1000)} s to load and fill again`;
    const [best, ...others] = [...candidates].sort((a, b) => costMs(a) - costMs(b));
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    const evict = [...best.evict];
    if (evict.length === 0) return { action: 'swap', evict, reason: best.reason };
    const alternatives = others.slice(0, 5).map((one) => {
      return { evict: [...one.evict], costMs: costMs(one), reason: `${one.evict.join(' and ')} ${words(one)}` };
    });
    const least = others.length > 0 ? ', less than all else' : '';
    return { action: 'swap', evict, reason: `${evict.join(' and ')} ${words(best)}${least}`, alternatives };
  },
});
