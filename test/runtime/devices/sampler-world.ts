/** A sampler in virtual time, with sources that say what the test wants. */
import type { RunId } from '../../../src/core/ids.ts';
import type {
  DeviceKind,
  DeviceSource,
  FamilyMember,
  FoundDevice,
  Look,
} from '../../../src/core/runtime/devices/look.ts';
import { createDeviceSampler, type Sample } from '../../../src/core/runtime/devices/sampler.ts';
import { GIB, virtualClock } from './support.ts';

export interface FakeSource extends DeviceSource {
  /** Bytes used of each of its devices. */
  used: number[];
  /** By index of the device; a missing list is one that is not told. */
  held: (Record<number, number | null> | null)[];
  /** `hangs`: never answers. A number: answers after so many milliseconds. */
  manner: 'answers' | 'fails' | 'hangs' | number;
  isThere: boolean;
  looks: number;
  /** Looks under way at once, at most. */
  atOnceMax: number;
}

export function sampledWorld(...sources: FakeSource[]) {
  const clock = virtualClock();
  const samples: Sample[] = [];
  const warnings: string[] = [];
  const families = new Map<RunId, readonly FamilyMember[]>();
  const world = { configured: ['gpu0'], urgent: false };
  const sampler = createDeviceSampler({
    devices: () => world.configured,
    sources: sources.map((source) => withClock(source, clock)),
    families: async () => families,
    urgent: () => world.urgent,
    onSample: (sample) => samples.push(sample),
    onWarning: (text) => warnings.push(text),
    clock,
  });
  sampler.start();
  return { clock, samples, warnings, families, world, sampler };
}

export function fakeSource(kind: DeviceKind, used: number[], listsAll = true): FakeSource {
  const source: FakeSource = {
    name: `the ${kind} tool`,
    kind,
    listsAll,
    used,
    held: used.map(() => null),
    manner: 'answers',
    isThere: true,
    looks: 0,
    atOnceMax: 0,
    exists: () => source.isThere,
    look: async () => null,
  };
  return source;
}

function withClock(source: FakeSource, clock: ReturnType<typeof virtualClock>): DeviceSource {
  let underWay = 0;
  source.look = (ask) =>
    ask(source.name, async () => {
      source.looks++;
      source.atOnceMax = Math.max(source.atOnceMax, ++underWay);
      const value = lookOf(source);
      await new Promise<void>((resolve) => {
        if (source.manner === 'hangs') return;
        if (typeof source.manner === 'number') clock.after(source.manner, resolve);
        else resolve();
      });
      underWay--;
      return source.manner === 'fails' ? { problem: { cause: 'exit', text: `${source.name} failed` } } : { value };
    });
  return source;
}

function lookOf({ kind, used, held }: FakeSource): Look {
  const devices = used.map(
    (usedBytes, index): FoundDevice => ({
      key: `${kind} ${index}`,
      kind,
      index,
      alias: null,
      totalBytes: 24 * GIB,
      usedBytes,
    }),
  );
  const holders = new Map<string, Map<number, number | null>>();
  held.forEach((one, index) => {
    if (one === null) return;
    holders.set(`${kind} ${index}`, new Map(Object.entries(one).map(([pid, bytes]) => [Number(pid), bytes])));
  });
  return { devices, holders };
}
