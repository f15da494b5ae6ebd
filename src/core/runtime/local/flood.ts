/**
 * Notices a process that writes more output than is reasonable: over `outputFloodBytesPerSec` for `outputFloodMs`.
 * Pure: time is a parameter. Must report a run at most once, or the log would be flooded by the reports.
 */
import { LIMITS } from '../../limits.ts';

/** Takes the total written so far; returns bytes per second on the one call at which it has become a flood. */
export type FloodMeter = (nowMs: number, totalBytes: number) => number | null;

const SAMPLE_MS = LIMITS.outputFloodMs / 20;

export function createFloodMeter(): FloodMeter {
  const samples: { at: number; total: number }[] = [];
  let reported = false;
  return (at, total) => {
    if (reported) return null;
    if (at - (samples.at(-1)?.at ?? -Infinity) >= SAMPLE_MS) samples.push({ at, total });
    // the first sample is the youngest that is old enough
    while (samples[1] !== undefined && at - samples[1].at >= LIMITS.outputFloodMs) samples.shift();
    const first = samples[0];
    if (first === undefined || at - first.at < LIMITS.outputFloodMs) return null;
    const bytesPerSec = ((total - first.total) * 1000) / (at - first.at);
    if (bytesPerSec <= LIMITS.outputFloodBytesPerSec) return null;
    reported = true;
    return Math.round(bytesPerSec);
  };
}
