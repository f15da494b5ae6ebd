/**
 * The machine's own memory: what of it is used, and what a process holds of it. Pages that can be read again from a file
 * count as free in both, or what a run holds would never come back when it ends: weights that are mapped from a file
 * (`mmap`) are not seen, their size has to be declared.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from './attempts.ts';
import { kilobytesOf, readText } from './files.ts';
import type { DeviceSource, FoundDevice, Holders } from './look.ts';

export function ramSource({ proc }: { proc: string }): DeviceSource {
  const file = join(proc, 'meminfo');
  return {
    name: file,
    kind: 'ram',
    listsAll: true,
    exists: () => existsSync(file),
    async look(ask, pids) {
      const device = await ask(file, () => readMemory(file));
      if (device === null) return null;
      const holders =
        pids.length === 0
          ? null
          : await ask('memory of processes', async () => ({ value: await readHolders(proc, pids) }));
      return { devices: [device], holders: new Map(holders === null ? [] : [[device.key, holders]]) };
    },
  };
}

async function readMemory(file: string): Promise<Answer<FoundDevice>> {
  const read = await readText(file);
  const text = typeof read === 'object' ? read.text : '';
  const totalBytes = kilobytesOf(text, 'MemTotal');
  const freeBytes = kilobytesOf(text, 'MemAvailable');
  if (totalBytes === null || freeBytes === null) {
    return { problem: { cause: 'garbage', text: `cannot read "${file}": expected MemTotal and MemAvailable in it` } };
  }
  const usedBytes = Math.max(0, totalBytes - freeBytes);
  return { value: { key: 'ram', kind: 'ram', index: 0, alias: null, totalBytes, usedBytes } };
}

/** One after the other: a read that hangs on a process must not take more than one thread of the pool with it. */
async function readHolders(proc: string, pids: readonly number[]): Promise<Holders> {
  const holders = new Map<number, number | null>();
  for (const pid of pids) {
    const bytes = await heldBy(proc, pid);
    if (bytes !== 'gone') holders.set(pid, bytes);
  }
  return holders;
}

/**
 * Its own pages and the shared ones that no file stands behind. Not its proportional share (Pss): walking the pages of a
 * process for that takes 35 ms for each GiB (measured), and locks out the process meanwhile.
 */
async function heldBy(proc: string, pid: number): Promise<number | null | 'gone'> {
  const status = await readText(join(proc, `${pid}/status`));
  if (typeof status !== 'object') return status === 'gone' ? 'gone' : null;
  const anonymous = kilobytesOf(status.text, 'RssAnon');
  return anonymous === null ? null : anonymous + (kilobytesOf(status.text, 'RssShmem') ?? 0);
}
