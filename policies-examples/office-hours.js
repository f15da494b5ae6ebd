// "Between nine and six the coding model stays, at night anything goes" (cocore PR #11, Dayflow #288). In these hours a
// request that would evict it is refused, and told when they end.
import { definePolicy } from 'turnout/policy';

export default definePolicy({
  name: 'office-hours',
  apiVersion: 1,
  description: 'Keeps some models loaded during some hours of some days, in the time zone of the configuration.',
  options: {
    keep: { type: 'model[]', doc: 'Models that stay during these hours, once they are loaded.' },
    from: { type: 'number', default: 9, min: 0, max: 24, doc: 'Hour at which they begin; 9.5 is half past nine.' },
    to: {
      type: 'number',
      default: 18,
      min: 0,
      max: 24,
      doc: 'Hour at which they end; the next morning if before `from`.',
    },
    days: { type: 'number[]', default: [1, 2, 3, 4, 5], min: 0, max: 6, doc: 'Days on which they begin; 0 = Sunday.' },
  },

  plan({ target, candidates, local, models, options, swaps }) {
    const first = candidates[0];
    if (first === undefined || swaps.some((swap) => swap.evict.includes(target))) {
      return { action: 'wait', reason: `${target} waits: what could make room is held or part of a swap` };
    }
    const hours = hoursLeft(local, options);
    const gone = new Set(models.filter((model) => model.phase === 'stopping').map((model) => model.id));
    /** @param {string} id */
    const isKept = (id) => hours > 0 && options.keep.includes(id) && !gone.has(id);
    const gentle = candidates.find(({ evict }) => !evict.some(isKept));
    if (gentle !== undefined) return { action: 'swap', evict: [...gentle.evict], reason: gentle.reason };
    const kept = first.evict.filter(isKept).join(' and ');
    const end = `${Math.floor(options.to)}:${String(Math.round((options.to % 1) * 60)).padStart(2, '0')}`;
    const reason = `${kept} stays loaded until ${end}, so ${target} cannot be loaded`;
    return { action: 'reject', status: 503, retryAfterSec: Math.ceil(hours * 3600), reason };
  },
});

/**
 * @param {import('turnout/policy').LocalTime} local
 * @param {{ from: number, to: number, days: readonly number[] }} options
 * @returns {number} Until the hours are over; 0 outside of them.
 */
function hoursLeft({ weekday, hour, minute }, { from, to, days }) {
  const now = hour + minute / 60;
  const overnight = to <= from;
  if (now >= from && (overnight || now < to)) return days.includes(weekday) ? to - now + (overnight ? 24 : 0) : 0;
  return overnight && now < to && days.includes((weekday + 6) % 7) ? to - now : 0;
}
