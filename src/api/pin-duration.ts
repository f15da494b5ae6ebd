/**
 * How long a pin lasts, as people write it: `30m`, `2h`, `1d12h`. The same for the API and the command line.
 * Must never guess a unit.
 */
import { DURATION, durationMs } from '../core/config/units.ts';
import { LIMITS } from '../core/limits.ts';

/** What a message says was expected. */
export const PIN_FOR = 'a duration of at most 366d, such as 30m, 2h or 1d12h';

/** Milliseconds, or null when the text is not `PIN_FOR`. */
export function pinMs(text: string): number | null {
  if (!DURATION.test(text)) return null;
  const ms = durationMs(text);
  return ms > 0 && ms <= LIMITS.pinMaxMs ? ms : null;
}
