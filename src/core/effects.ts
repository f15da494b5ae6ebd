/**
 * Orders to the world that follow from events. Effects on processes are released when their event is durable; effects on
 * requests never wait (kernel section 1).
 */
import type { ModelId, RequestKey, RunId } from './ids.ts';

export type Effect =
  | { type: 'startProcess'; run: RunId; model: ModelId; port: number | null; logFile: string; specDigest: string }
  | { type: 'probeHealth'; run: RunId; model: ModelId }
  | { type: 'stopProcess'; run: RunId; model: ModelId }
  | { type: 'killProcess'; run: RunId; model: ModelId }
  | { type: 'forward'; request: RequestKey; run: RunId }
  | { type: 'refuse'; request: RequestKey; status: number; code: string; reason: string; retryAfterSec: number | null }
  | { type: 'exit' };
