/**
 * The one timer of the loop in virtual time. A timer of the world is late now and then: where the log shows that turnout
 * woke a little after the moment that was due, it wakes then. Must never wake early.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { State } from '../../state.ts';
import type { Timeline } from './timeline.ts';
import type { Trace, Wake } from './trace.ts';

const LATE_MAX_MS = 1_000;
/** The same where nothing else happened from the moment on: what was due comes before all that came later (loop.ts). */
const FIRST_LATE_MAX_MS = 250;

export interface Wakes {
  clock(): Clock;
}

export function createWakes(
  timeline: Timeline,
  { wakes: recorded, lateMs }: Pick<Trace, 'wakes' | 'lateMs'>,
  state: Readonly<State>,
): Wakes {
  /** A busy machine wakes late; one of a time before may have come to nothing then. */
  const longest = lateMs === 0 ? 0 : LATE_MAX_MS;
  const byDue = new Map(recorded.map((wake) => [wake.due, wake]));

  /** The place of the first recorded one that is not before. */
  function placeOf(isBefore: (wake: Wake) => boolean): number {
    let low = 0;
    let high = recorded.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(recorded[middle] as Wake)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first at or after a time of which nothing has come yet. */
  function nextOf(due: number): Wake | undefined {
    const place = placeOf(({ at }) => at < due);
    const open = placeOf(({ key }) => key <= state.position);
    return recorded[Math.max(place, open)];
  }

  const lateOf = ({ after }: Wake, due: number): number => (lateMs > 0 && after < due ? FIRST_LATE_MAX_MS : lateMs);

  return {
    clock() {
      let cancel = () => {};
      return {
        now: timeline.now,
        wakeAt(at, wake) {
          cancel();
          // a timer of the world takes a millisecond at least, also where it is due already
          const due = Math.max(at, timeline.now() + (lateMs > 0 ? 1 : 0));
          const next = nextOf(due);
          const mine = byDue.get(at);
          const usual = next !== undefined && next.at - due <= lateOf(next, due) ? next : null;
          const late = mine !== undefined && mine.at >= due && mine.at - due <= longest ? mine : usual;
          cancel = timeline.at(late?.at ?? due, late?.key ?? Number.POSITIVE_INFINITY, wake);
        },
        onStep() {},
        close: () => cancel(),
      };
    },
  };
}
