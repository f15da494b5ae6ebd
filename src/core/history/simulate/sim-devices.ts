/**
 * Looks at devices in virtual time: what others held when the log was written, and what the models of this play hold. Must
 * never say that a device holds more than it has.
 */
import type { EventData, TurnoutEvent } from '../../events.ts';
import type { Input } from '../../inputs.ts';
import { wantsSamples } from '../../settle-memory.ts';
import type { State } from '../../state.ts';
import type { Changes } from './contender.ts';
import { holding } from './holding.ts';
import type { Timeline } from './timeline.ts';
import type { Trace } from './trace.ts';

type Devices = EventData['devices.sampled']['devices'];

export interface Looks {
  sample(devices: Devices, held: Record<string, number>): void;
  observe(event: TurnoutEvent): void;
}

export interface LookPorts {
  timeline: Timeline;
  state: Readonly<State>;
  trace: Pick<Trace, 'lookMs' | 'cleared'>;
  changes: Changes;
  post(input: Input): void;
}

export function createLooks({ timeline, state, trace, changes, post }: LookPorts): Looks {
  const { lookMs, cleared } = trace;
  /** By device: what it had, and what others than the models held. */
  const known = new Map<string, { totalBytes: number; others: number }>();
  let lookedAt = Number.NEGATIVE_INFINITY;

  function look(ids: Iterable<string>): void {
    lookedAt = timeline.now();
    const mine = holding(state);
    const devices: Devices = [];
    for (const id of ids) {
      const device = known.get(id);
      if (device === undefined) continue;
      const totalBytes = changes.devices?.[id] ?? device.totalBytes;
      const usedBytes = Math.min(totalBytes, Math.max(0, device.others + (mine[id] ?? 0)));
      devices.push({ id, totalBytes, usedBytes });
    }
    post({ type: 'devices.sampled', devices, runs: [] });
  }

  return {
    sample(devices, held) {
      for (const { id, totalBytes, usedBytes } of devices) {
        known.set(id, { totalBytes, others: usedBytes - (held[id] ?? 0) });
      }
      look(devices.map(({ id }) => id));
    },
    observe(event) {
      if (event.type !== 'process.exited' || lookMs === 0 || known.size === 0) return;
      const since = event.at;
      if (cleared.get(event.position) === since) return;
      if (![...state.swaps.values()].some((swap) => swap.clearedAt === since && wantsSamples(swap))) return;
      timeline.at(since + lookMs + 1, Number.POSITIVE_INFINITY, () => {
        if (lookedAt <= since && [...state.swaps.values()].some(wantsSamples)) look(known.keys());
      });
    },
  };
}
