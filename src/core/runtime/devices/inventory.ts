/**
 * The devices of this machine by their configured names, over several looks: what a source told last stays known while it
 * does not answer, so that no device takes the name of another.
 */
import type { Attempts } from './attempts.ts';
import type { ObservedDevice } from './attribution.ts';
import type { DeviceSource, FoundDevice, Look } from './look.ts';
import { nameDevices } from './names.ts';

export interface NamedDevice extends ObservedDevice {
  totalBytes: number;
}

export interface Seen {
  /** Configured devices that were seen in this look. */
  devices: NamedDevice[];
  /** A name means another device than in the look before. */
  renamed: boolean;
}

export interface Inventory {
  look(configured: readonly string[], pids: readonly number[]): Promise<Seen>;
}

export function createInventory(sources: readonly DeviceSource[], attempts: Attempts): Inventory {
  const known = new Map<DeviceSource, FoundDevice[]>();
  let meaning = new Map<string, string>();

  /** GPUs have no numbers as long as it is not known how many come before them. */
  const countable = (wanted: readonly DeviceSource[]): FoundDevice[] => {
    const isOpen = (source: DeviceSource) =>
      source.kind !== 'ram' && !known.has(source) && !attempts.gaveUp(source.name);
    const open = wanted.some(isOpen);
    return [...known].flatMap(([{ kind }, devices]) => (kind === 'ram' || !open ? devices : []));
  };

  return {
    async look(configured, pids) {
      const wanted = sources.filter((source) => isWanted(source, configured) && source.exists());
      const looks = await Promise.all(
        wanted.map(async (source) => [source, await source.look(attempts.ask, pids)] as const),
      );
      for (const [source, look] of looks) if (look !== null) known.set(source, look.devices);
      const named = nameDevices(configured, countable(wanted));
      const renamed = [...named].some(([id, { key }]) => (meaning.get(id) ?? key) !== key);
      meaning = new Map([...meaning, ...[...named].map(([id, { key }]) => [id, key] as const)]);
      return { devices: [...named].flatMap(([id, { key }]) => seenAs(id, key, looks)), renamed };
    },
  };
}

/** A machine whose configuration names no GPU is not bothered with GPU tools. */
function isWanted({ kind }: DeviceSource, configured: readonly string[]): boolean {
  return kind === 'ram' ? configured.includes('ram') : configured.some((id) => id !== 'ram');
}

/** None when its source did not answer this time. */
function seenAs(id: string, key: string, looks: readonly (readonly [DeviceSource, Look | null])[]): NamedDevice[] {
  return looks.flatMap(([source, look]) => {
    const device = look?.devices.find((one) => one.key === key);
    if (device === undefined) return [];
    const { totalBytes, usedBytes } = device;
    const holders = look?.holders.get(key) ?? null;
    return [{ id, source: source.name, totalBytes, usedBytes, holders, listsAll: source.listsAll }];
  });
}
