// "One busy user must not have the machine alone" (llama-swap PR #811 and #834). Whoever was served least of late comes
// first: models are asked about in that order, and traffic of those who had clearly more is drained for who had less.
import { definePolicy } from 'turnout/policy';

/** `used`: ms of being served, as they counted at `at`, by `@` and client. `open`: who is served since when, by request. */
interface Memory {
  used: Record<string, { ms: number; at: number }>;
  open: Record<string, { client: string; since: number | null }>;
}

const ENDS = ['request.finished', 'request.rejected', 'request.cancelled', 'request.lost'] as const;

export default definePolicy({
  name: 'fair-share',
  apiVersion: 1,
  description: 'Serves first whoever was served least of late.',
  options: {
    halfLifeMin: { type: 'number', default: 30, min: 1, doc: 'Minutes after which use counts half.' },
    marginSec: { type: 'number', default: 120, min: 0, doc: 'Smaller differences drain nobody: swaps cost time too.' },
  },
  events: ['request.arrived', 'request.granted', ...ENDS],
  initial: (): Memory => ({ used: {}, open: {} }),
  evolve({ used, open }, { type, at, request, data }, { halfLifeMin }) {
    const one = open[`${request}`];
    const isFull = Object.keys(open).length >= 1_000; // a memory has 64 kB
    if (type === 'request.arrived' && !isFull) open[`${request}`] = { client: `@${data.client}`, since: null };
    else if (one && type === 'request.granted') one.since = at;
    else if (one) {
      delete open[`${request}`];
      const ms = at - (one.since ?? at) + recent(used[one.client], at, halfLifeMin);
      used[one.client] = { ms, at };
      for (const [client, use] of Object.entries(used)) if (recent(use, at, halfLifeMin) < 1_000) delete used[client];
    }
    return { used, open };
  },

  rank({ now, options, state, waiting, waitingTotal }) {
    const share = (client: string) => recent(state.used[`@${client}`], now, options.halfLifeMin);
    const least = (id: string) => Math.min(...waiting.map((one) => (one.model === id ? share(one.client) : 1e15)));
    return Object.keys(waitingTotal).sort((a, b) => least(a) - least(b));
  },

  plan({ target, candidates: [best], models, now, options, state, swaps, waiting }) {
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    const least = (some: readonly { client: string }[]) =>
      Math.min(...some.map(({ client }) => recent(state.used[`@${client}`], now, options.halfLifeMin)));
    const evict = [...best.evict];
    const mine = least(waiting.filter((one) => one.model === target));
    const theirs = least(models.flatMap(({ id, serving }) => (evict.includes(id) ? serving : [])));
    const more = theirs === Infinity ? 0 : theirs - mine; // Infinity: nobody uses them
    if (more <= options.marginSec * 1_000) return { action: 'swap', evict, reason: best.reason };
    return { action: 'swap', evict, when: 'drain', reason: `those who use ${evict.join(' and ')} had more of late` };
  },
});

const recent = (use: Memory['used'][string] | undefined, now: number, halfLifeMin: number) =>
  use === undefined ? 0 : use.ms * 2 ** ((use.at - now) / (halfLifeMin * 60_000));
