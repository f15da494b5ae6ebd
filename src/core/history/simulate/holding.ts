/** What the models of a state hold of each device, as far as it is known: how much of a sample is theirs. Pure. */
import { observedOf, poolOf } from '../../memory.ts';
import type { State } from '../../state.ts';

export function holding(state: Readonly<State>): Record<string, number> {
  const held: Record<string, number> = {};
  const { devices } = state.settings;
  for (const id of state.alive) {
    const model = state.models.get(id);
    if (model?.run == null) continue;
    const memory = observedOf(model.memorySamples) ?? model.run.memory ?? 0;
    const byDevice = typeof memory === 'number' ? { [poolOf(devices)[0]?.id ?? '']: memory } : memory;
    for (const [device, bytes] of Object.entries(byDevice)) held[device] = (held[device] ?? 0) + bytes;
  }
  return held;
}
