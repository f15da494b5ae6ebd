/**
 * What a moment of the past looked like beyond models, requests and devices: the drain, the policies, the configuration
 * that held. Pure over the state of that moment; times are ms since 1970.
 */
import type { ModelId, Position } from '../ids.ts';
import type { State } from '../state.ts';

export interface PastFacts {
  position: Position;
  /** The moment itself; not before the event at `position`. */
  at: number;
  phase: State['phase'];
  configHash: string;
  planner: string;
  drain: { target: ModelId; evict: ModelId[]; until: number } | null;
  policies: { slot: string; name: string; sourceHash: string; disabled: string | null }[];
  logTroubled: string | null;
  stalled: string | null;
}

/** `at`: the moment that was asked for; the state's own where that is later, or none was. */
export function pastFacts(state: Readonly<State>, at: number | null): PastFacts {
  const { drain, settings } = state;
  return {
    position: state.position,
    at: Math.max(state.at, at ?? 0),
    phase: state.phase,
    configHash: state.configHash,
    planner: settings.planner,
    drain: drain === null ? null : { target: drain.target, evict: drain.evict, until: drain.until },
    policies: [...state.policies.values()].map(({ slot, name, sourceHash, disabled }) => {
      return { slot, name, sourceHash, disabled };
    }),
    logTroubled: state.logTroubled?.message ?? null,
    stalled: state.stalled,
  };
}
