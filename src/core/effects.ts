/**
 * Orders to the world that follow from events. Effects on processes are released when their event is durable; effects on
 * requests never wait (kernel section 1).
 */
import type { TurnoutEvent } from './events.ts';
import { type ModelId, type RequestKey, type RunId, runId } from './ids.ts';
import type { State } from './state.ts';

export type Effect =
  | { type: 'startProcess'; run: RunId; model: ModelId; port: number | null; logFile: string; specDigest: string }
  /** `baseUrl` null: where it was started. */
  | { type: 'probeHealth'; run: RunId; model: ModelId; baseUrl: string | null }
  | { type: 'stopProcess'; run: RunId; model: ModelId }
  | { type: 'killProcess'; run: RunId; model: ModelId }
  | { type: 'forward'; request: RequestKey; run: RunId }
  | { type: 'refuse'; request: RequestKey; status: number; code: string; reason: string; retryAfterSec: number | null }
  | { type: 'exit' };

/** Orders that follow from one event in normal running. */
export function effectsOf(event: TurnoutEvent): Effect | null {
  switch (event.type) {
    case 'process.starting': {
      const { port, logFile, specDigest } = event.data;
      const run = runId(event.position);
      return { type: 'startProcess', run, model: event.model as ModelId, port, logFile, specDigest };
    }
    case 'process.spawned':
      return { type: 'probeHealth', run: event.data.run, model: event.model as ModelId, baseUrl: null };
    case 'process.adopted': {
      const { run, baseUrl, deadline } = event.data;
      return deadline === null ? null : { type: 'probeHealth', run, model: event.model as ModelId, baseUrl };
    }
    case 'process.stopping':
      return { type: 'stopProcess', run: event.data.run, model: event.model as ModelId };
    case 'process.killed':
      return { type: 'killProcess', run: event.data.run, model: event.model as ModelId };
    case 'request.granted':
      return { type: 'forward', request: event.request as RequestKey, run: event.data.run };
    case 'request.rejected': {
      const { status, code, reason, retryAfterSec } = event.data;
      return { type: 'refuse', request: event.request as RequestKey, status, code, reason, retryAfterSec };
    }
    case 'router.stopped':
      return { type: 'exit' };
    default:
      return null;
  }
}

/** Whether an effect may only be performed when its event is durable (kernel section 1). */
export function waitsForDurability(effect: Effect): boolean {
  return effect.type === 'startProcess' || effect.type === 'stopProcess' || effect.type === 'killProcess';
}

/** What a state says should be happening in the world: `effectsOf` is its difference in normal running. */
export function owed(state: Readonly<State>): Effect[] {
  const effects: Effect[] = [];
  for (const model of state.models.values()) {
    const { run } = model;
    if (run === null) continue;
    const of = { run: run.run, model: model.id };
    if (run.phase === 'stopping') effects.push({ type: run.killed ? 'killProcess' : 'stopProcess', ...of });
    if (run.phase !== 'starting') continue;
    const { port, logFile, specDigest } = run;
    effects.push(
      run.pid === null
        ? { type: 'startProcess', ...of, port, logFile, specDigest }
        : { type: 'probeHealth', ...of, baseUrl: null },
    );
  }
  if (state.phase === 'stopped') effects.push({ type: 'exit' });
  return effects;
}
