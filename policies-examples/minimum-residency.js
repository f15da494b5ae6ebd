// "Agents make it load and unload all day" (llama-swap #612, PR #611, llama.cpp #18355). What took long to load stays for
// a multiple of that, so that loading never takes more than a part of the time. maxWait still bounds every wait.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'minimum-residency',
  apiVersion: 1,
  description: 'Lets a model leave only when it was there for a multiple of what its load took.',
  options: {
    factor: {
      type: 'number',
      default: 3,
      min: 0,
      doc: 'So many times its load: with 3 a quarter of the time is loading.',
    },
    mostSec: { type: 'number', default: 300, min: 0, doc: 'But never longer than so many seconds.' },
  },

  plan({ target, candidates, models, options, swaps }) {
    /** @param {string} id Ms that it stays from now on; what is still loading stays for all of its time. */
    const staysMs = (id) => {
      const model = models.find((one) => one.id === id);
      if (model === undefined || model.phase === 'stopped' || model.phase === 'stopping' || model.stale) return 0;
      const wantedMs = Math.min(options.mostSec * 1000, options.factor * (model.loadMs.last ?? 0));
      return Math.max(0, wantedMs - (model.loadedMs ?? 0));
    };
    /** @param {import('turnout/policy').Candidate} candidate */
    const waitMs = ({ evict }) => Math.max(0, ...evict.map(staysMs));
    const [best] = [...candidates].sort((a, b) => waitMs(a) - waitMs(b)); // stable: among equals the cheapest
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    if (waitMs(best) === 0) return { action: 'swap', evict: [...best.evict], reason: best.reason };
    const names = best.evict.filter((id) => staysMs(id) > 0).join(' and ');
    return { action: 'wait', forMs: waitMs(best), reason: `${names} was loaded a moment ago and stays for its share` };
  },
});
