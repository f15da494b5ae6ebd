/**
 * How relaying one request ended, for inference requests and pass-through alike, and what the kernel is told of it.
 * Must never carry anything of a body.
 */
import type { TurnoutError } from '../../core/errors.ts';
import type { ServeOutcome, Usage } from '../../core/events.ts';
import type { ServeReport } from '../../core/inputs.ts';

export interface RelayResult {
  /** `client-gone`: the client left first. After `no-answer` and `timeout` nothing was sent: the caller answers. */
  outcome: ServeOutcome | 'client-gone';
  /** Status that was sent; null when none was. */
  status: number | null;
  /** Bytes of the answer's body handed to the client. */
  bytes: number;
  /** From the start of relaying to the first byte of the body; null when there was none. */
  firstByteMs: number | null;
  usage: Usage | null;
  /** What to tell the client (`no-answer`, `timeout`) or the log (`cut`); null otherwise. */
  error: TurnoutError | null;
}

/** The report of a request that the client did not leave; its status is the one the client got or will get. */
export function serveReport(result: RelayResult & { outcome: ServeOutcome }): ServeReport {
  return {
    outcome: result.outcome,
    status: result.status ?? result.error?.status ?? 502,
    bytes: result.bytes,
    firstByteMs: result.firstByteMs === null ? null : Math.round(result.firstByteMs),
    usage: result.usage,
    error: result.error?.message ?? null,
  };
}

/** Narrows away `client-gone`, which is told to the kernel in another way. */
export function wasServed(result: RelayResult): result is RelayResult & { outcome: ServeOutcome } {
  return result.outcome !== 'client-gone';
}
