/**
 * The one timer of the loop in virtual time. A timer of the world is late now and then: where the log shows that turnout
 * woke a little after the moment that was due, it wakes then. Must never wake early.
 */
import type { Clock } from '../../runtime/clock.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

const LATE_MAX_MS = 1_000;

export interface Wakes {
  clock(): Clock;
}

export function createWakes(timeline: Timeline, { wakes: recorded, lateMs }: Pick<Trace, 'wakes' | 'lateMs'>): Wakes {
  /** A busy machine wakes late; one of a time before may have come to nothing then. */
  const longest = lateMs === 0 ? 0 : LATE_MAX_MS;
  const byDue = new Map(recorded.map((wake) => [wake.due, wake]));

  /** First recorded one at or after a time. */
  function placeOf(at: number): number {
    let low = 0;
    let high = recorded.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((recorded[middle]?.at ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    clock() {
      let cancel = () => {};
      return {
        now: timeline.now,
        wakeAt(at, wake) {
          cancel();
          const due = Math.max(at, timeline.now());
          const next = recorded[placeOf(due)];
          const mine = byDue.get(at);
          const usual = next !== undefined && next.at - due <= lateMs ? next : null;
          const late = mine !== undefined && mine.at >= due && mine.at - due <= longest ? mine : usual;
          cancel = timeline.at(late?.at ?? due, late?.key ?? Number.POSITIVE_INFINITY, wake);
        },
        onStep() {},
        close: () => cancel(),
      };
    },
  };
}
