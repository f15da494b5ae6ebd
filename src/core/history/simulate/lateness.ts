/**
 * How late the timer of the recorded turnout was. For most of what it wakes for the log has the moment at which that was
 * due; what it does later than usual after another moment, it did for something else. Pure.
 */
import type { TurnoutEvent } from '../../events.ts';
import { expiresAt } from '../../idle.ts';
import type { ModelState, State } from '../../state.ts';

const LATE_MAX_MS = 100;
/** Of a log without any such moment. */
const UNKNOWN_MS = 20;
/** Timers are later than usual now and then. */
const SPARE = 5;

export interface Lateness {
  take(lateMs: number): void;
  atMost(): number;
}

export function createLateness(): Lateness {
  const samples: number[] = [];
  return {
    take(lateMs) {
      if (lateMs >= 0 && lateMs <= LATE_MAX_MS) samples.push(lateMs);
    },
    /** All but the few that waited for something else; a log made in virtual time is never late. */
    atMost() {
      if (samples.length === 0) return UNKNOWN_MS;
      samples.sort((a, b) => a - b);
      const usual = samples[Math.floor(samples.length * 0.95)] ?? 0;
      return usual === 0 ? 0 : Math.min(LATE_MAX_MS, SPARE * usual);
    },
  };
}

/** When what this event is about was due; null where the state before it does not say. */
export function dueOf(state: Readonly<State>, event: TurnoutEvent): number | null {
  const model = event.model === undefined ? undefined : state.models.get(event.model);
  const due = model === undefined ? null : dueOfModel(state, model, event);
  return due !== null && Number.isFinite(due) && due <= event.at ? due : null;
}

function dueOfModel(state: Readonly<State>, model: ModelState, event: TurnoutEvent): number | null {
  const { run } = model;
  switch (event.type) {
    case 'process.stopping':
      if (event.data.reason === 'health-timeout') return run?.phase === 'starting' ? run.deadline : null;
      return expiresAt(state, model);
    case 'process.killed':
      return run?.phase === 'stopping' ? run.killAt : null;
    case 'model.unpinned':
      return model.pin?.until ?? null;
    case 'request.rejected': {
      if (event.data.code === 'drain-timeout') return state.drain?.until ?? null;
      const request = event.request === undefined ? undefined : state.requests.get(event.request);
      return request === undefined ? null : request.arrivedAt + state.settings.queueTimeoutMs;
    }
    case 'plan.decided':
      return model.blocked?.until ?? null;
    default:
      return null;
  }
}
