/** A state as text, equal for equal states: how a fold is compared with the live state. Never used on a hot path. */
import type { State } from './state.ts';

export function canonical(state: Readonly<State>): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (value instanceof Map) return { map: [...value.entries()] };
    if (value instanceof Set) return { set: [...value] };
    return value;
  });
}
