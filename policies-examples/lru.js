// Least recently used: "unload what nobody touched for longest, not what comes first in the file"
// (llama-swap #1118, llama.cpp #25326). Of all ways to make room it takes the one whose youngest use is oldest.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'lru',
  apiVersion: 1,
  description: 'Evicts what was used longest ago; busy models only when nothing else makes room.',

  plan({ target, candidates, models, swaps }) {
    let best = candidates[0];
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    /** @param {string} id What stops is of no use any more; what loads or serves is of use now. */
    const unusedMs = (id) => {
      const model = models.find((one) => one.id === id);
      return model?.phase === 'stopping' ? Number.POSITIVE_INFINITY : (model?.idleMs ?? 0);
    };
    /** @param {readonly string[]} ids A set is in use as long as one of it is. */
    const allUnusedMs = (ids) => Math.min(...ids.map(unusedMs));
    for (const one of candidates) if (allUnusedMs(one.evict) > allUnusedMs(best.evict)) best = one;

    const evict = [...best.evict];
    const ms = allUnusedMs(evict);
    if (evict.length === 0 || ms === Number.POSITIVE_INFINITY) return { action: 'swap', evict, reason: best.reason };
    const names = evict.join(' and ');
    if (ms === 0) return { action: 'swap', evict, reason: `all is in use, so ${names} leaves when it is done` };
    return { action: 'swap', evict, reason: `${names} was used least recently, ${Math.round(ms / 1000)} s ago` };
  },
});
