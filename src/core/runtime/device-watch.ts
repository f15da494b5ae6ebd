/**
 * Binds the sampler of devices to the kernel: tells it of runs as the log does, hands its samples to the loop, and hurries
 * it while a swap waits for memory. Must never keep anything waiting.
 */
import type { TurnoutEvent } from '../events.ts';
import type { RunId } from '../ids.ts';
import type { Input } from '../inputs.ts';
import { poolOf } from '../memory.ts';
import type { Memory } from '../settings.ts';
import { wantsSamples } from '../settle-memory.ts';
import type { State } from '../state.ts';
import { phaseOf } from './devices/baselines.ts';
import type { FamilyMember } from './devices/look.ts';
import { createDeviceSampler } from './devices/sampler.ts';
import { deviceSources } from './devices/sources.ts';

export interface DeviceWatch {
  observe(event: TurnoutEvent): void;
  close(): void;
}

export interface DeviceWatchPorts {
  state: Readonly<State>;
  /** The living processes of each run. */
  families(): Promise<ReadonlyMap<RunId, readonly FamilyMember[]>>;
  post(input: Input): void;
  onWarning(text: string): void;
}

export function watchDevices({ state, families, post, onWarning }: DeviceWatchPorts): DeviceWatch {
  const waits = (): boolean => {
    for (const swap of state.swaps.values()) if (wantsSamples(swap)) return true;
    return false;
  };
  const sampler = createDeviceSampler({
    devices: () => state.settings.devices.map(({ id }) => id),
    sources: deviceSources(),
    families,
    urgent: waits,
    onSample: (sample) => post({ type: 'devices.sampled', ...sample }),
    onWarning,
  });
  /** Where a run may lie, as it was reserved. */
  const lies = (memory: Memory | null): string[] | null => {
    if (memory === null) return null;
    return typeof memory === 'number' ? poolOf(state.settings.devices).map(({ id }) => id) : Object.keys(memory);
  };
  const reserved = (run: RunId): Memory | null => {
    for (const model of state.models.values()) if (model.run?.run === run) return model.run.memory;
    return null;
  };
  // Runs of a former turnout that still live when this one begins.
  for (const { run } of state.models.values()) if (run !== null) sampler.changed(run.run, run.phase, lies(run.memory));
  sampler.start();

  return {
    observe(event) {
      const told = phaseOf(event);
      if (told !== null) {
        const memory = event.type === 'process.starting' ? event.data.memory : reserved(told.run);
        sampler.changed(told.run, told.phase, lies(memory));
      }
      if (event.type === 'config.applied') sampler.soon();
    },
    close: sampler.close,
  };
}
