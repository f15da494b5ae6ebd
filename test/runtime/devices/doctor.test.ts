/** What `turnout doctor` says of the memory devices. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkDevices } from '../../../src/cli/commands/doctor-devices.ts';
import { fakeGpu, GIB, makeTree } from './support.ts';

const MEMINFO = 'MemTotal:       67108864 kB\nMemFree:         1000 kB\nMemAvailable:   33554432 kB\n';

function examine(manner: string | null, devices: Record<string, number> | null) {
  const { root } = makeTree({ 'proc/meminfo': MEMINFO, [`proc/${process.pid}/status`]: 'RssAnon:\t 1 kB\n' });
  const env = manner === null ? { PATH: '/nowhere' } : fakeGpu(manner).env;
  const configured = devices === null ? null : new Map(Object.entries(devices));
  return checkDevices(configured, { env, sys: join(root, 'sys'), proc: join(root, 'proc') });
}

describe('turnout doctor', () => {
  test('says what there is, and what to write of it', async () => {
    expect(await examine('normal', null)).toEqual([
      {
        level: 'ok',
        what: 'nvidia-smi',
        found: 'gpu0 has 24.0 GiB, 1.0 GiB used; gpu1 has 24.0 GiB, 1.0 GiB used',
        remedy: null,
      },
      { level: 'ok', what: 'memory', found: '64.0 GiB, 32.0 GiB used', remedy: null },
      {
        level: 'ok',
        what: 'devices',
        found:
          'none configured; for the budget planner write turnout: {devices: {gpu0: 24564MiB, gpu1: 24564MiB, ram: 58982MiB}}',
        remedy: null,
      },
    ]);
  });

  test('says that a tool does not tell what processes hold', async () => {
    const [tool] = await examine('untold', null);
    expect(tool).toMatchObject({
      level: 'ok',
      found: expect.stringMatching(/; which process holds what is not told$/),
    });
  });

  test('says that GPUs are not measured where there is no tool', async () => {
    const findings = await examine(null, {});
    expect(findings.map(({ what }) => what)).toEqual(['memory', 'GPU tools', 'devices']);
    expect(findings.every(({ level }) => level === 'ok')).toBe(true);
  });

  test('says why a tool does not answer, and that models run all the same', async () => {
    const [tool] = await examine('fails', { gpu0: GIB });
    expect(tool).toMatchObject({ level: 'warn', what: 'nvidia-smi', found: expect.stringContaining('exit code 9') });
  });

  test('says that a configured device is not there, and what is', async () => {
    const findings = await examine('normal', { gpu0: 24 * GIB, gpu2: GIB });
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
      {
        level: 'warn',
        what: 'device gpu2',
        found: 'not found here, its use is not observed',
        remedy: 'names of what is there: gpu0, gpu1, ram',
      },
    ]);
  });

  test('says that a configured device is smaller than that', async () => {
    const findings = await examine('normal', { gpu1: 48 * GIB, ram: 64 * GIB });
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([
      {
        level: 'warn',
        what: 'device gpu1',
        found: 'declared with 48.0 GiB, has 24.0 GiB',
        remedy: 'write gpu1: 24564MiB under turnout.devices',
      },
    ]);
  });
});
