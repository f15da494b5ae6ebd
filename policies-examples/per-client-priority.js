// "My own requests come first, the batch job takes what is left" (llama-swap #653, #414). Models are asked about in the
// order of who waits for them, and a client of high rank does not wait for a pause in the traffic of lower ones.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'per-client-priority',
  apiVersion: 1,
  description: 'Serves clients in the order of their rank; who is not listed has rank 0.',
  options: { ranks: { type: 'number{}', doc: 'Rank by client, named as in `turnout explain`; higher comes first.' } },

  rank({ options, waiting, waitingTotal }) {
    /** @param {string} model */
    const highest = (model) =>
      highestRank(
        waiting.filter((one) => one.model === model),
        options.ranks,
      );
    const ranks = new Map(Object.keys(waitingTotal).map((model) => [model, highest(model)]));
    const byAge = [...new Set([...waiting.map((one) => one.model), ...ranks.keys()])];
    return byAge.sort((a, b) => (ranks.get(b) ?? 0) - (ranks.get(a) ?? 0) || 0); // stable: equal ranks keep their turn
  },

  plan({ target, candidates, models, options, swaps, waiting }) {
    /** @param {string} id The highest rank of those whom it serves and who wait for it. */
    const rankOf = (id) => {
      const serving = models.find((model) => model.id === id)?.serving ?? [];
      return highestRank([...serving, ...waiting.filter((one) => one.model === id)], options.ranks);
    };
    /** @param {import('turnout/policy').Candidate} candidate */
    const rankIn = ({ evict }) => Math.max(NOBODY, ...evict.map(rankOf));
    const [best] = [...candidates].sort((a, b) => rankIn(a) - rankIn(b));
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    const evict = [...best.evict];
    const [mine, theirs] = [rankOf(target), rankIn(best)];
    if (theirs === NOBODY || theirs === mine) return { action: 'swap', evict, reason: best.reason };
    const names = evict.join(' and ');
    if (theirs > mine)
      return { action: 'swap', evict, reason: `${names} is in use by a client that comes before those of ${target}` };
    return { action: 'swap', evict, when: 'drain', reason: `a client of ${target} comes before all who use ${names}` };
  },
});

const NOBODY = -1e9;

/**
 * @param {readonly { client: string }[]} requests
 * @param {{ readonly [client: string]: number }} ranks
 */
function highestRank(requests, ranks) {
  return Math.max(NOBODY, ...requests.map(({ client }) => (Object.hasOwn(ranks, client) ? (ranks[client] ?? 0) : 0)));
}
