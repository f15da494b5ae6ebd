/** AMD GPUs and the machine's memory, read from trees that look like /sys and /proc. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { amdSource } from '../../../src/core/runtime/devices/amd.ts';
import { createAttempts, realSamplerClock } from '../../../src/core/runtime/devices/attempts.ts';
import { parseDrmFdinfo } from '../../../src/core/runtime/devices/fdinfo.ts';
import type { DeviceSource } from '../../../src/core/runtime/devices/look.ts';
import { ramSource } from '../../../src/core/runtime/devices/ram.ts';
import { GIB, MIB, makeTree, type Tree } from './support.ts';

async function look(source: DeviceSource, pids: number[] = []) {
  const warnings: string[] = [];
  const attempts = createAttempts(realSamplerClock, (text) => warnings.push(text));
  return { look: await source.look(attempts.ask, pids), warnings };
}

const KIB = 1_024;
const GPU = '0000:03:00.0';

/** A card in `sys/class/drm`. */
function card(number: number, address: string, totalBytes: number, usedBytes: number): Record<string, string> {
  const folder = `sys/class/drm/card${number}/device`;
  return {
    [`${folder}/mem_info_vram_total`]: `${totalBytes}\n`,
    [`${folder}/mem_info_vram_used`]: `${usedBytes}\n`,
    [`${folder}/uevent`]: `DRIVER=amdgpu\nPCI_SLOT_NAME=${address}\n`,
  };
}

/** An open GPU file of a process. */
function gpuFile(tree: Tree, pid: number, fd: number, lines: string, target = '/dev/dri/renderD128'): void {
  tree.link(`proc/${pid}/fd/${fd}`, target);
  tree.write({ [`proc/${pid}/fdinfo/${fd}`]: `pos:\t0\nflags:\t02100002\n${lines}` });
}

const client = (id: number, vramKib: number, address = GPU): string =>
  `drm-driver:\tamdgpu\ndrm-client-id:\t${id}\ndrm-pdev:\t${address}\ndrm-memory-vram:\t${vramKib} KiB\n`;

const amdIn = ({ root }: Tree) => amdSource({ sys: join(root, 'sys'), proc: join(root, 'proc') });

describe('AMD GPUs', () => {
  test('are the cards whose driver tells their memory, in the order of their numbers', async () => {
    const tree = makeTree({
      ...card(10, '0000:0a:00.0', 8 * GIB, GIB),
      ...card(2, GPU, 16 * GIB, 2 * GIB),
      'sys/class/drm/card0/device/uevent': 'DRIVER=nvidia\n',
      'sys/class/drm/card2-DP-1/status': 'connected\n',
      'sys/class/drm/version': 'drm 1.1.0\n',
    });
    const { look: seen, warnings } = await look(amdIn(tree));
    expect(seen?.devices).toEqual([
      { key: GPU, kind: 'amd', index: 0, alias: GPU, totalBytes: 16 * GIB, usedBytes: 2 * GIB },
      { key: '0000:0a:00.0', kind: 'amd', index: 1, alias: '0000:0a:00.0', totalBytes: 8 * GIB, usedBytes: GIB },
    ]);
    expect(warnings).toEqual([]);
  });

  test('do not exist where there is no such driver', () => {
    expect(amdIn(makeTree()).exists()).toBe(false);
    expect(amdIn(makeTree({ 'sys/class/drm/card0/device/uevent': '' })).exists()).toBe(false);
    expect(amdIn(makeTree(card(0, GPU, GIB, 0))).exists()).toBe(true);
  });

  test('that cannot be read keep their place', async () => {
    const tree = makeTree({ ...card(0, GPU, 16 * GIB, 0), ...card(1, '0000:0a:00.0', 8 * GIB, 0) });
    tree.write({ 'sys/class/drm/card0/device/mem_info_vram_used': 'nonsense\n' });
    const { look: seen } = await look(amdIn(tree));
    expect(seen?.devices.map(({ index }) => index)).toEqual([1]);
  });

  test('that are part of the processor count the memory that they borrow', async () => {
    const folder = 'sys/class/drm/card0/device';
    const tree = makeTree({
      ...card(0, GPU, GIB, 100 * MIB),
      [`${folder}/mem_info_gtt_total`]: `${64 * GIB}\n`,
      [`${folder}/mem_info_gtt_used`]: `${20 * GIB}\n`,
      [`${folder}/hwmon/hwmon3/in1_label`]: 'vddnb\n',
    });
    gpuFile(tree, 7, 5, `${client(1, 5)}drm-memory-gtt:\t25258000 KiB\n`);
    const { look: seen } = await look(amdIn(tree), [7]);
    expect(seen?.devices[0]).toMatchObject({ totalBytes: 65 * GIB, usedBytes: 20 * GIB + 100 * MIB });
    expect(seen?.holders.get(GPU)?.get(7)).toBe(25_258_005 * KIB);
  });

  test('with memory of their own do not count what they borrow', async () => {
    const folder = 'sys/class/drm/card0/device';
    const tree = makeTree({ ...card(0, GPU, 16 * GIB, GIB), [`${folder}/mem_info_gtt_total`]: `${64 * GIB}\n` });
    gpuFile(tree, 7, 5, `${client(1, 5)}drm-memory-gtt:\t1000 KiB\n`);
    const { look: seen } = await look(amdIn(tree), [7]);
    expect(seen?.devices[0]?.totalBytes).toBe(16 * GIB);
    expect(seen?.holders.get(GPU)?.get(7)).toBe(5 * KIB);
  });

  test('are held by processes as their open files say, each file once', async () => {
    const other = '0000:0a:00.0';
    const tree = makeTree({ ...card(0, GPU, 16 * GIB, 0), ...card(1, other, 16 * GIB, 0) });
    gpuFile(tree, 7, 5, client(1, 1_000));
    gpuFile(tree, 7, 6, client(1, 1_000));
    gpuFile(tree, 7, 9, client(2, 30));
    gpuFile(tree, 7, 10, client(3, 4, other));
    gpuFile(tree, 8, 5, client(1, 1_000));
    gpuFile(tree, 9, 1, 'ino:\t12\n', '/dev/null');
    const { look: seen } = await look(amdIn(tree), [7, 8, 9, 10]);
    expect(seen?.holders.get(GPU)).toEqual(
      new Map([
        [7, 1_030 * KIB],
        [8, 0],
        [9, 0],
      ]),
    );
    expect(seen?.holders.get(other)?.get(7)).toBe(4 * KIB);
  });

  test('say nothing of a process whose driver does not count, or that may not be looked at', async () => {
    const tree = makeTree(card(0, GPU, 16 * GIB, 0));
    gpuFile(tree, 7, 5, `drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t${GPU}\n`);
    gpuFile(tree, 8, 5, client(2, 0));
    tree.link('proc/8/fd/6', '/dev/kfd');
    gpuFile(tree, 9, 5, client(3, 10));
    chmodSync(join(tree.root, 'proc/9/fd'), 0o000);
    const { look: seen } = await look(amdIn(tree), [7, 8, 9]);
    chmodSync(join(tree.root, 'proc/9/fd'), 0o700);
    const asRoot = process.getuid?.() === 0; // nothing is forbidden to root
    expect(seen?.holders.get(GPU)).toEqual(
      new Map([
        [7, null],
        [8, null],
        [9, asRoot ? 10 * KIB : null],
      ]),
    );
  });
});

describe('an open GPU file', () => {
  test.each([
    ['drm-memory-vram:\t3 MiB', 3 * MIB],
    ['drm-memory-vram:\t12', 12],
    ['drm-resident-vram:\t2 KiB\ndrm-memory-vram:\t1 KiB', 2 * KIB],
    ['drm-memory-vram:\t12 parsecs', null],
    ['drm-memory-vram:', null],
  ])('with %j holds %j bytes', (line, bytes) => {
    const text = `drm-pdev:\t${GPU}\ndrm-client-id:\t1\n${line}\n`;
    expect(parseDrmFdinfo(text)).toMatchObject({ address: GPU, id: '1', vramBytes: bytes });
  });

  test.each(['', 'pos:\t0', `drm-pdev:\t${GPU}`, 'drm-client-id: 1'])('is none with %j', (text) => {
    expect(parseDrmFdinfo(text)).toBeNull();
  });
});

const MEMINFO = 'MemTotal:       64000000 kB\nMemFree:         1000000 kB\nMemAvailable:   48000000 kB\n';

describe('the memory of the machine', () => {
  const ramIn = ({ root }: Tree) => ramSource({ proc: root });

  test('is used as far as it is not available', async () => {
    const { look: seen } = await look(ramIn(makeTree({ meminfo: MEMINFO })));
    expect(seen?.devices).toEqual([
      { key: 'ram', kind: 'ram', index: 0, alias: null, totalBytes: 64_000_000 * KIB, usedBytes: 16_000_000 * KIB },
    ]);
  });

  test('is held by processes with what no file stands behind', async () => {
    const tree = makeTree({
      meminfo: MEMINFO,
      '7/status': 'Name:\tx\nVmRSS:\t  9999 kB\nRssAnon:\t  500 kB\nRssFile:\t 900 kB\nRssShmem:\t  20 kB\n',
      '8/status': 'Name:\tkernel thread\n',
    });
    const { look: seen, warnings } = await look(ramIn(tree), [7, 8, 9]);
    expect(seen?.holders.get('ram')).toEqual(
      new Map([
        [7, 520 * KIB],
        [8, null],
      ]),
    );
    expect(warnings).toEqual([]);
  });

  test('that cannot be made out is told', async () => {
    const tree = makeTree({ meminfo: 'MemTotal: plenty\n' });
    const { look: seen, warnings } = await look(ramIn(tree));
    expect(seen).toBeNull();
    expect(warnings).toEqual([`cannot read "${tree.root}/meminfo": expected MemTotal and MemAvailable in it`]);
  });

  test('of this machine can be read, and this process holds some of it', async ({ skip }) => {
    const source = ramSource({ proc: '/proc' });
    if (!source.exists()) skip();
    const { look: seen } = await look(source, [process.pid]);
    const [ram] = seen?.devices ?? [];
    expect(ram?.usedBytes).toBeGreaterThan(0);
    expect(ram?.usedBytes).toBeLessThan(ram?.totalBytes ?? 0);
    expect(seen?.holders.get('ram')?.get(process.pid)).toBeGreaterThan(10 * MIB);
  });
});
