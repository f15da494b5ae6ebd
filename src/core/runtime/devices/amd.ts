/**
 * AMD GPUs by way of the files of their driver, without any tool. A GPU that is part of the processor (APU) puts models
 * into the machine's memory (GTT) as well: there both count, as one.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DrmClient, parseDrmFdinfo } from './fdinfo.ts';
import { readFolder, readLink, readNumber, readText } from './files.ts';
import type { DeviceSource, FoundDevice, Holders } from './look.ts';

export interface RootOptions {
  /** `/sys` and `/proc`, or what stands in for them. */
  sys: string;
  proc: string;
}

interface Card extends FoundDevice {
  isApu: boolean;
}

export function amdSource({ sys, proc }: RootOptions): DeviceSource {
  return {
    name: 'amdgpu',
    kind: 'amd',
    listsAll: true,
    exists: () => cardFolders(sys).length > 0,
    async look(ask, pids) {
      const cards = await ask('amdgpu', async () => ({ value: await readCards(sys) }));
      if (cards === null) return null;
      const devices = cards.map(({ isApu, ...device }) => device);
      const holders =
        pids.length === 0 || cards.length === 0
          ? null
          : await ask('amdgpu (processes)', async () => ({ value: await readHolders(proc, cards, pids) }));
      return { devices, holders: holders ?? new Map() };
    },
  };
}

/** In the order of the card numbers. Only amdgpu has the file that is looked for. */
function cardFolders(sys: string): string[] {
  const drm = join(sys, 'class/drm');
  if (!existsSync(drm)) return [];
  return readdirSync(drm)
    .filter((name) => /^card\d+$/.test(name) && existsSync(join(drm, name, 'device/mem_info_vram_total')))
    .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
    .map((name) => join(drm, name, 'device'));
}

async function readCards(sys: string): Promise<Card[]> {
  const cards: Card[] = [];
  for (const [index, folder] of cardFolders(sys).entries()) {
    const isApu = await hasNorthbridge(folder);
    const pools = isApu ? ['vram', 'gtt'] : ['vram'];
    const [totalBytes, usedBytes] = [await sumOf(folder, pools, 'total'), await sumOf(folder, pools, 'used')];
    // a GPU that sleeps may not be read; it keeps its place
    if (totalBytes === null || usedBytes === null || totalBytes === 0) continue;
    const uevent = await readText(join(folder, 'uevent'));
    const alias = typeof uevent === 'object' ? (/^PCI_SLOT_NAME=(\S+)$/m.exec(uevent.text)?.[1] ?? null) : null;
    cards.push({ key: alias ?? folder, kind: 'amd', index, alias, totalBytes, usedBytes, isApu });
  }
  return cards;
}

async function sumOf(folder: string, pools: readonly string[], what: 'total' | 'used'): Promise<number | null> {
  let sum = 0;
  for (const pool of pools) {
    const bytes = await readNumber(join(folder, `mem_info_${pool}_${what}`));
    if (bytes === null) return null;
    sum += bytes;
  }
  return sum;
}

/** Only APUs have a voltage of that name (kernel documentation, "GPU Power/Thermal Controls and Monitoring"). */
async function hasNorthbridge(folder: string): Promise<boolean> {
  const monitors = await readFolder(join(folder, 'hwmon'));
  for (const name of typeof monitors === 'object' ? monitors.names : []) {
    const label = await readText(join(folder, 'hwmon', name, 'in1_label'));
    if (typeof label === 'object' && label.text.trim() === 'vddnb') return true;
  }
  return false;
}

/** One process after the other: a GPU that hangs can then hold up no more than one read. */
async function readHolders(
  proc: string,
  cards: readonly Card[],
  pids: readonly number[],
): Promise<Map<string, Holders>> {
  const holders = new Map(cards.map(({ key }) => [key, new Map<number, number | null>()]));
  const seen = new Set<string>();
  for (const pid of pids) {
    const files = await openGpuFiles(proc, pid);
    if (files === 'gone') continue;
    for (const card of cards) holders.get(card.key)?.set(pid, files === 'denied' ? null : heldOf(card, files, seen));
  }
  return holders;
}

interface GpuFiles {
  clients: DrmClient[];
  /** The process computes on some AMD GPU (ROCm). */
  computes: boolean;
}

async function openGpuFiles(proc: string, pid: number): Promise<GpuFiles | 'gone' | 'denied'> {
  const folder = await readFolder(join(proc, `${pid}/fd`));
  if (typeof folder !== 'object') return folder;
  const files: GpuFiles = { clients: [], computes: false };
  for (const fd of folder.names) {
    const target = await readLink(join(proc, `${pid}/fd/${fd}`));
    if (typeof target !== 'object') continue;
    if (target.text === '/dev/kfd') files.computes = true;
    if (!target.text.startsWith('/dev/dri/')) continue;
    const info = await readText(join(proc, `${pid}/fdinfo/${fd}`));
    if (info === 'denied') return 'denied';
    const client = info === 'gone' ? null : parseDrmFdinfo(info.text);
    if (client !== null) files.clients.push(client);
  }
  return files;
}

/** An open file counts once, however many descriptors and processes share it. */
function heldOf(card: Card, { clients, computes }: GpuFiles, seen: Set<string>): number | null {
  const own = clients.filter(({ address }) => address === card.alias);
  let sum = 0;
  for (const { address, id, vramBytes, gttBytes } of own) {
    if (vramBytes === null || (card.isApu && gttBytes === null)) return null;
    const file = `${address} ${id}`;
    if (!seen.has(file)) sum += vramBytes + (card.isApu ? (gttBytes ?? 0) : 0);
    seen.add(file);
  }
  // a driver that does not count what ROCm allocates
  return sum === 0 && own.length > 0 && computes ? null : sum;
}
