// "An agent thinks for a minute between two calls, and meanwhile others take its model away" (llama-swap PR #611, #612).
// A model that serves sessions stays for a while after each call; only requests of the same session take its place at once.
import { definePolicy } from 'turnout/policy';

interface Memory {
  /** By model, the session that used it last, and when that request came or ended. */
  last: Record<string, { session: string; request: number | undefined; at: number }>;
}

export default definePolicy({
  name: 'session-stickiness',
  apiVersion: 1,
  description: "Keeps an agent's model between its calls, but not from the agent itself.",
  options: {
    staySec: { type: 'number', default: 60, min: 0, doc: 'Seconds that a model stays after a call of a session.' },
  },
  events: ['request.arrived', 'request.finished'],
  initial: (): Memory => ({ last: {} }),
  evolve({ last }, { type, at, model = '', request, data }) {
    const before = last[model];
    if (type === 'request.arrived' && data.session !== null) last[model] = { session: data.session, request, at };
    else if (type === 'request.finished' && before !== undefined && before.request === request) before.at = at;
    return { last };
  },

  plan({ target, asking, candidates, models, now, options, state, swaps, waiting }) {
    const own = new Set(waiting.filter((one) => asking.includes(one.request)).map((one) => one.session));
    const staysMs = (id: string) => {
      const use = state.last[id];
      const isLoaded = models.some((model) => model.id === id && model.phase === 'ready');
      return use === undefined || own.has(use.session) || !isLoaded
        ? 0
        : Math.max(0, use.at + options.staySec * 1_000 - now);
    };
    const waitMs = (evict: readonly string[]) => Math.max(0, ...evict.map(staysMs));
    const [best] = [...candidates].sort((a, b) => waitMs(a.evict) - waitMs(b.evict)); // stable: among equals the cheapest
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    if (waitMs(best.evict) === 0) return { action: 'swap', evict: [...best.evict], reason: best.reason };
    const names = best.evict.filter((id) => staysMs(id) > 0).join(' and ');
    return {
      action: 'wait',
      forMs: waitMs(best.evict),
      reason: `${names} is kept for the session that used it a moment ago`,
    };
  },
});
