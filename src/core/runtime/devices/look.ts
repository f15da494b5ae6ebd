/**
 * What a source of figures about memory devices is: `nvidia-smi`, the files of the AMD driver, /proc.
 * A figure that was not told is null or absent. Must never become 0: that would say that a device is empty.
 */
import type { Ask } from './attempts.ts';

/** A device as its source knows it. Bytes. */
export interface FoundDevice {
  /** Unique on this machine. */
  key: string;
  kind: DeviceKind;
  /** Place among those of its kind: index of `nvidia-smi`, rank of the card number, 0. */
  index: number;
  /** UUID (NVIDIA) or PCI address (AMD); null when not told. */
  alias: string | null;
  totalBytes: number;
  usedBytes: number;
}

export type DeviceKind = 'nvidia' | 'amd' | 'ram';

/** Process id to the bytes that it holds; null = it is there, but how much it holds is not told. */
export type Holders = ReadonlyMap<number, number | null>;

export interface Look {
  devices: FoundDevice[];
  /** By key of the device. Absent = it is not told who holds what of it. */
  holders: ReadonlyMap<string, Holders>;
}

export interface DeviceSource {
  /** For people, and for the attempts. */
  readonly name: string;
  readonly kind: DeviceKind;
  /** True when a process that is not among the holders certainly holds nothing. */
  readonly listsAll: boolean;
  /** Whether this machine has it. */
  exists(): boolean;
  /** Looks once; null when there was no answer. `pids`: processes whose share is wanted; none = only the devices. */
  look(ask: Ask, pids: readonly number[]): Promise<Look | null>;
}

/** A program of a run's family. */
export interface FamilyMember {
  pid: number;
  /** As /proc has it: cut after 15 characters. */
  name: string;
}
