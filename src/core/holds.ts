/** What no request may evict: pins at runtime and the models that the configuration protects. Pure. */
import type { ModelId } from './ids.ts';
import type { State } from './state.ts';

export interface Hold {
  rule: 'pinned' | 'protected';
  /** Who pinned it; `turnout.protect` for the configuration. */
  owner: string;
  /** null = until somebody takes it away. */
  until: number | null;
}

/** A pin comes before a protection, because it says who and until when. */
export function heldBy(state: Readonly<State>, model: ModelId): Hold | null {
  const pin = state.models.get(model)?.pin ?? null;
  if (pin !== null) return { rule: 'pinned', ...pin };
  if (state.settings.protect.models.includes(model)) {
    return { rule: 'protected', owner: 'turnout.protect', until: null };
  }
  return null;
}
