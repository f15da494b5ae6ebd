// "When nobody has asked for anything for a while, go back to my usual model" (llama-swap #156, LM Studio #611, the
// default-running-model of llama-swap-priority). Tried once after each quiet time, so what you unload stays unloaded.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'return-to-default',
  apiVersion: 1,
  description: 'Loads one model when all others have been quiet for some minutes, and at the start.',
  options: {
    model: { type: 'model', doc: 'The model to come back to.' },
    afterMin: { type: 'number', default: 10, min: 0.1, doc: 'Minutes without a request for any model.' },
  },

  events: ['request.arrived', 'policy.idled'],
  initial: () => ({ tried: false, askedAt: 0 }),
  evolve(state, event) {
    if (event.type === 'policy.idled') return { ...state, tried: state.tried || event.data.verdict.action === 'load' };
    return event.data.kind === 'idle' ? state : { tried: false, askedAt: event.at };
  },

  plan({ target, candidates, swaps }) {
    const best = candidates[0];
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    return { action: 'swap', evict: [...best.evict], reason: best.reason };
  },

  idle({ models, now, options, state }) {
    const afterMs = options.afterMin * 60_000;
    const home = models.find((model) => model.id === options.model);
    if (home?.phase !== 'stopped') return { action: 'none' };
    const busy = models.some((model) => model.inFlight > 0 || model.phase === 'starting' || model.phase === 'stopping');
    // Requests to what is loaded change nothing that would make turnout ask again: so look again by the clock.
    if (state.tried || busy) return { action: 'none', wakeAt: now + afterMs };
    const quietMs = Math.min(now - state.askedAt, ...models.map((model) => model.idleMs ?? Number.POSITIVE_INFINITY));
    if (quietMs < afterMs) return { action: 'none', wakeAt: now + afterMs - quietMs };
    return { action: 'load', model: home.id, reason: `nobody has asked for anything for ${options.afterMin} min` };
  },
});
