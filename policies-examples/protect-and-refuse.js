// "This request must not evict that model: give me an error instead" (llama-swap #1127). Whoever would put out a kept
// model is refused at once, with a time to come back; clients listed as patient queue, until it has not been asked for
// some time, or until maxWait.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'protect-and-refuse',
  apiVersion: 1,
  description: 'Refuses requests that would evict a kept model which is still in use.',
  options: {
    keep: { type: 'model[]', doc: 'Models that are not given up while they are in use.' },
    patient: { type: 'string[]', default: [], doc: 'Clients that queue instead of being refused.' },
    idleSec: { type: 'number', default: 600, min: 1, doc: 'Seconds without a request after which it may leave.' },
  },

  plan({ target, asking, candidates, models, options, swaps, waiting }) {
    const first = candidates[0];
    if (first === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    /** @param {string} id For how long it must not leave. */
    const keptMs = (id) => {
      const model = models.find((one) => one.id === id);
      if (!options.keep.includes(id) || model?.phase === 'stopping') return 0;
      return Math.max(0, options.idleSec * 1000 - (model?.idleMs ?? 0));
    };
    const gentle = candidates.find(({ evict }) => evict.every((id) => keptMs(id) === 0));
    if (gentle !== undefined) return { action: 'swap', evict: [...gentle.evict], reason: gentle.reason };

    const kept = first.evict.filter((id) => keptMs(id) > 0);
    const forMs = Math.max(...kept.map(keptMs));
    const reason = `${kept.join(' and ')} is kept while it is in use, so ${target} cannot be loaded now`;
    const patient = new Set(waiting.filter((one) => options.patient.includes(one.client)).map((one) => one.request));
    const requests = asking.filter((id) => !patient.has(id));
    if (requests.length === 0) return { action: 'wait', forMs, reason };
    return { action: 'reject', status: 429, retryAfterSec: Math.ceil(forMs / 1000), reason, requests };
  },
});
