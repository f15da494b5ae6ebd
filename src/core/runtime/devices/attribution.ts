/**
 * Which run holds what of the devices: by the processes of its family, else by how much more a device holds than just
 * before the run started. Pure. A run appears with every configured device or not at all, because a device that is missing
 * counts as 0 bytes to whoever learns from it: nothing is better than a figure that is too small.
 */

import type { RunId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { FamilyMember, Holders } from './look.ts';

export interface ObservedDevice {
  /** Its configured name. */
  id: string;
  /** Source that saw it. */
  source: string;
  usedBytes: number;
  /** null = it is not told who holds what. */
  holders: Holders | null;
  /** True when a process that is not among the holders certainly holds nothing. */
  listsAll: boolean;
}

export interface ObservedRun {
  run: RunId;
  family: readonly FamilyMember[];
  /** What devices held just before it started, of those on which nothing else has changed since. */
  before: ReadonlyMap<string, number>;
}

/** Clients of programs that run elsewhere, as /proc cuts their names: what they start is in nobody's family. */
const ELSEWHERE = new Set([
  'docker',
  'docker-compose',
  'podman',
  'nerdctl',
  'ctr',
  'crictl',
  'kubectl',
  'oc',
  'systemd-run',
  'lxc',
  'incus',
  'srun',
  'ssh',
]);

/** @param configured names of `turnout.devices` */
export function attribute(
  configured: readonly string[],
  devices: readonly ObservedDevice[],
  runs: readonly ObservedRun[],
): { run: RunId; bytes: Record<string, number> }[] {
  const ours = new Set(runs.flatMap(({ family }) => family.map(({ pid }) => pid)));
  return runs.flatMap((run) => {
    const bytes: Record<string, number> = {};
    for (const id of configured) {
      const device = devices.find((one) => one.id === id);
      if (device === undefined) return [];
      const held = byFamily(device, run, devices, ours) ?? byDifference(device, run);
      if (held === null) return [];
      bytes[id] = held;
    }
    return [{ run: run.run, bytes }];
  });
}

/** null when its processes do not tell. */
function byFamily(
  device: ObservedDevice,
  { family }: ObservedRun,
  devices: readonly ObservedDevice[],
  ours: ReadonlySet<number>,
): number | null {
  const { holders } = device;
  if (holders === null || family.length === 0 || family.some(({ name }) => ELSEWHERE.has(name))) return null;
  let sum = 0;
  let listed = false;
  for (const { pid } of family) {
    const bytes = holders.get(pid);
    if (bytes === null) return null;
    listed ||= bytes !== undefined;
    sum += bytes ?? 0;
  }
  return listed || device.listsAll || holdsNothing(device, holders, family, devices, ours) ? sum : null;
}

/**
 * No process of the family is listed, and the list may hide processes. It does not hide these when it shows them on
 * another device, or when it shows processes of ours on this one and of nobody else.
 */
function holdsNothing(
  device: ObservedDevice,
  holders: Holders,
  family: readonly FamilyMember[],
  devices: readonly ObservedDevice[],
  ours: ReadonlySet<number>,
): boolean {
  const isSeen = devices.some(
    ({ source, holders: others }) => source === device.source && family.some(({ pid }) => others?.has(pid)),
  );
  return isSeen || (holders.size > 0 && [...holders.keys()].every((pid) => ours.has(pid)));
}

function byDifference(device: ObservedDevice, { before }: ObservedRun): number | null {
  const usedBefore = before.get(device.id);
  if (usedBefore === undefined) return null;
  const more = device.usedBytes - usedBefore;
  return more < -LIMITS.deviceJitterBytes ? null : Math.max(0, more);
}
