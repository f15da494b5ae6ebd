// "While I play, leave the graphics card alone" (llama-swap #1000, #707, Lemonade #1365). While other programs hold much
// of the devices, idle models are unloaded and loads refused, but for those that are allowed. Needs turnout.devices.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'game-mode',
  apiVersion: 1,
  description: 'Steps aside while other programs use the graphics card.',
  options: {
    foreignGiB: { type: 'number', default: 2, min: 0, doc: 'What other programs must hold for this to begin.' },
    allow: { type: 'model[]', default: [], doc: 'Models that are loaded and stay all the same.' },
    lookSec: { type: 'number', default: 30, min: 5, doc: 'How often this is looked at while nothing is asked.' },
  },

  plan(view) {
    const { target, candidates, options, swaps } = view;
    if (foreignGiB(view) > options.foreignGiB && !options.allow.includes(target)) {
      const reason = `other programs hold ${foreignGiB(view).toFixed(1)} GiB of the devices, so ${target} is not loaded`;
      return { action: 'reject', status: 503, retryAfterSec: 60, reason };
    }
    const best = candidates[0];
    if (best === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    return { action: 'swap', evict: [...best.evict], reason: best.reason };
  },

  idle(view) {
    const wakeAt = view.now + view.options.lookSec * 1000;
    if (foreignGiB(view) <= view.options.foreignGiB) return { action: 'none', wakeAt };
    const may = view.models.filter((model) => model.phase === 'ready' && !view.options.allow.includes(model.id));
    const model = may.find(({ evictable }) => evictable === true); // busy, pinned and protected ones stay
    if (model === undefined) return { action: 'none', wakeAt };
    return { action: 'unload', model: model.id, wakeAt, reason: 'other programs use the graphics card' };
  },
});

/** @param {import('turnout/policy').SharedView} view What is used and not ours; 0 where that cannot be told apart. */
function foreignGiB({ devices, models, swaps }) {
  const cards = devices.filter((device) => device.id !== 'ram');
  const isKnown = models.every(
    ({ phase, memory }) => phase === 'stopped' || (phase === 'ready' && memory.counts !== null),
  );
  if (swaps.length > 0 || !isKnown) return 0;
  const used = cards.reduce((sum, { totalBytes, freeBytes }) => sum + totalBytes - (freeBytes ?? totalBytes), 0);
  /** @param {import('turnout/policy').Memory | null} memory */
  const onCards = (memory) =>
    typeof memory === 'number' ? memory : cards.reduce((sum, { id }) => sum + (memory?.[id] ?? 0), 0);
  const held = models.map(({ phase, memory }) =>
    phase === 'ready' ? Math.max(onCards(memory.counts), onCards(memory.observed)) : 0,
  );
  return (used - held.reduce((sum, bytes) => sum + bytes, 0)) / 2 ** 30;
}
