/** Which device a configured name means. */
import { describe, expect, test } from 'vitest';
import type { DeviceKind, FoundDevice } from '../../../src/core/runtime/devices/look.ts';
import { defaultName, nameDevices } from '../../../src/core/runtime/devices/names.ts';

const device = (kind: DeviceKind, index = 0): FoundDevice => ({
  key: `${kind} ${index}`,
  kind,
  index,
  alias: kind === 'ram' ? null : `${kind}-alias-${index}`,
  totalBytes: 1,
  usedBytes: 0,
});
const [n0, n1, a0, a1, ram] = [device('nvidia'), device('nvidia', 1), device('amd'), device('amd', 1), device('ram')];

describe('a configured name', () => {
  test.each<[string, string[], FoundDevice[], Record<string, string>]>([
    ['gpuN is the GPU with that index', ['gpu1', 'gpu0'], [n0, n1], { gpu1: 'nvidia 1', gpu0: 'nvidia 0' }],
    [
      'AMD cards come after those of NVIDIA',
      ['gpu0', 'gpu1', 'gpu2'],
      [a0, n0, a1],
      { gpu0: 'nvidia 0', gpu1: 'amd 0', gpu2: 'amd 1' },
    ],
    ['a lost GPU keeps its number', ['gpu0', 'gpu1', 'gpu2'], [n1, a0], { gpu1: 'nvidia 1', gpu2: 'amd 0' }],
    [
      'nvidiaN and amdN count within one make',
      ['amd0', 'nvidia0', 'amd1'],
      [n0, a0],
      { amd0: 'amd 0', nvidia0: 'nvidia 0' },
    ],
    ['ram is the memory of the machine', ['ram', 'gpu0'], [ram], { ram: 'ram 0' }],
    [
      'a UUID or address is that GPU',
      ['amd-alias-1', 'nvidia-alias-0'],
      [n0, a0, a1],
      { 'amd-alias-1': 'amd 1', 'nvidia-alias-0': 'nvidia 0' },
    ],
    ['any other name is the only GPU', ['vram', 'ram'], [n0, ram], { vram: 'nvidia 0', ram: 'ram 0' }],
    ['any other name is nothing beside a second name', ['vram', 'gpu0'], [n0], { gpu0: 'nvidia 0' }],
    ['any other name is nothing where there are two GPUs', ['vram'], [n0, n1], {}],
    ['a number that is too high is nothing', ['gpu1'], [n0], {}],
    ['a name with no device is nothing', ['gpu0', 'vram'], [], {}],
    ['no name is given to the memory of the machine but ram', ['memory'], [ram], {}],
    ['is matched as it is written', ['GPU0', 'ram'], [n0, n1, ram], { ram: 'ram 0' }],
  ])('%s', (_rule, configured, found, expected) => {
    const named = nameDevices(configured, found);
    expect(Object.fromEntries([...named].map(([name, { key }]) => [name, key]))).toEqual(expected);
  });

  test('that is suggested means the device it was suggested for', () => {
    const found = [ram, a1, n1, a0, n0];
    const names = found.map((one) => defaultName(one, found));
    expect([...nameDevices(names, found).values()]).toEqual(found);
  });
});
