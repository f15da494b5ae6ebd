/**
 * How late the timer of the recorded turnout was. For most of what it wakes for the log has the moment at which that was
 * due; what it does later than usual after another moment, it did for something else. Pure.
 */
import type { TurnoutEvent } from '../../events.ts';
import { expiresAt } from '../../idle.ts';
import type { ModelState, State } from '../../state.ts';
import { SECOND } from './read-inputs.ts';
import type { Wake } from './trace.ts';

const LATE_MAX_MS = 100;
/** Of a log without any such moment. */
const UNKNOWN_MS = 20;
/** A timer of the world is this late at least, now and then. */
const LEAST_MS = 5;
/** Timers are later than usual now and then. */
const SPARE = 5;

export interface Lateness {
  take(event: TurnoutEvent, lateMs: number): void;
  atMost(): number;
}

export function createLateness(): Lateness {
  const samples: number[] = [];
  let thinks = false;
  return {
    take(event, lateMs) {
      // in virtual time an answer stands in the log at the moment of its question
      if (event.type === 'plan.decided' && event.at > event.data.viewNow) thinks = true;
      if (lateMs >= 0 && lateMs <= LATE_MAX_MS) samples.push(lateMs);
    },
    /** All but the few that waited for something else; a log made in virtual time is never late. */
    atMost() {
      if (samples.length === 0) return thinks ? UNKNOWN_MS : 0;
      samples.sort((a, b) => a - b);
      const at = (share: number): number => samples[Math.floor(samples.length * share)] ?? 0;
      if (at(0.75) === 0) return thinks ? LEAST_MS : 0;
      return Math.min(LATE_MAX_MS, Math.max(SPARE * at(0.75), at(0.95)));
    },
  };
}

/** The wake-up that this event came of; null when it followed from something else. `lastAt`: of the event before. */
export function wakeOf(state: Readonly<State>, event: TurnoutEvent, lastAt: number): Wake | null {
  const { at, position: key } = event;
  const due = dueOf(state, event);
  const lateMs = due === null ? -1 : at - due;
  const after = lastAt;
  if (isDue(event)) return { at, key, after, due, lateMs };
  if (at === lastAt) return null;
  if (event.type !== 'plan.decided') return mayBeDue(event) ? { at, key, after, due: null, lateMs: -1 } : null;
  const { viewNow, planner } = event.data;
  if (planner.sourceHash !== undefined) return null;
  // a question may follow a moment without being what was due then; and thinking took until the answer stood in the log
  if (due !== null && lastAt < due) return { at: viewNow, key, after, due: null, lateMs: viewNow - due };
  return viewNow === at ? { at, key, after, due: null, lateMs } : null;
}

/** When what this event is about was due; null where the state before it does not say. */
function dueOf(state: Readonly<State>, event: TurnoutEvent): number | null {
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

/** Events at which a turnout woke by itself, whatever else happened in that millisecond. */
function isDue(event: TurnoutEvent): boolean {
  switch (event.type) {
    case 'process.stopping':
      return event.data.reason === 'ttl' || event.data.reason === 'health-timeout';
    case 'process.killed':
      return !SECOND.test(event.data.why);
    case 'model.unpinned':
      return event.data.why === 'expired';
    case 'request.rejected':
      return event.data.code === 'queue-timeout' || event.data.code === 'drain-timeout';
    default:
      return false;
  }
}

/** Events that follow from a state by themselves: the first of its millisecond, it came of a wake-up. */
function mayBeDue(event: TurnoutEvent): boolean {
  switch (event.type) {
    case 'request.arrived':
      return event.data.kind === 'idle';
    case 'swap.draining':
    case 'swap.started':
    case 'memory.short':
    case 'memory.awaited':
    case 'target.blocked':
    case 'process.starting':
      return true;
    default:
      return false;
  }
}
