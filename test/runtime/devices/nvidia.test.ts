/** What `nvidia-smi` may answer, and what turnout makes of it. */
import { describe, expect, test } from 'vitest';
import { createAttempts, realSamplerClock } from '../../../src/core/runtime/devices/attempts.ts';
import { nvidiaSource, parseGpus, parseProcesses } from '../../../src/core/runtime/devices/nvidia.ts';
import { isZombie, scanProcesses } from '../../../src/core/runtime/local/proc.ts';
import { lives } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { type FakeGpu, fakeGpu, MIB, uuidOf, virtualClock } from './support.ts';

async function look(gpu: FakeGpu, pids: number[] = []) {
  const warnings: string[] = [];
  const attempts = createAttempts(realSamplerClock, (text) => warnings.push(text));
  const source = nvidiaSource({ env: gpu.env });
  return { look: await source.look(attempts.ask, pids), warnings, source };
}

describe('nvidia-smi', () => {
  test('tells the memory of each GPU, and who holds what of it', async () => {
    const gpu = fakeGpu('normal', { apps: ['41 512 0', '42 1024 0', '41 256 1'] });
    const { look: seen, warnings } = await look(gpu, [41]);
    expect(seen?.devices).toEqual([
      { key: uuidOf(0), kind: 'nvidia', index: 0, alias: uuidOf(0), totalBytes: 24_564 * MIB, usedBytes: 1_000 * MIB },
      { key: uuidOf(1), kind: 'nvidia', index: 1, alias: uuidOf(1), totalBytes: 24_564 * MIB, usedBytes: 1_001 * MIB },
    ]);
    expect(seen?.holders.get(uuidOf(0))).toEqual(
      new Map([
        [41, 512 * MIB],
        [42, 1_024 * MIB],
      ]),
    );
    expect(seen?.holders.get(uuidOf(1))).toEqual(new Map([[41, 256 * MIB]]));
    expect(warnings).toEqual([]);
  });

  test('is not asked for processes when nobody wants to know of any', async () => {
    const gpu = fakeGpu('normal');
    const { look: seen } = await look(gpu);
    expect(gpu.calls().map(({ what }) => what)).toEqual(['--query-gpu=index,uuid,memory.total,memory.used']);
    expect(seen?.holders.size).toBe(0);
  });

  test('may say [N/A] for a process: that it is there, not how much it holds', async () => {
    const { look: seen, warnings } = await look(fakeGpu('normal', { apps: ['41 [N/A] 0'] }), [41]);
    expect(seen?.holders.get(uuidOf(0))).toEqual(new Map([[41, null]]));
    expect(warnings).toEqual([]);
  });

  test('may not support a list of processes: then there is none, and no warning', async () => {
    const { look: seen, warnings } = await look(fakeGpu('untold'), [41]);
    expect(seen?.devices).toHaveLength(2);
    expect(seen?.holders.size).toBe(0);
    expect(warnings).toEqual([]);
  });

  test('may list no process, which is an answer too', async () => {
    const { look: seen, warnings } = await look(fakeGpu('normal'), [41]);
    expect(seen?.holders).toEqual(
      new Map([
        [uuidOf(0), new Map()],
        [uuidOf(1), new Map()],
      ]),
    );
    expect(warnings).toEqual([]);
  });

  test('sees sixteen GPUs', async () => {
    const { look: seen } = await look(fakeGpu('normal', { count: 16 }));
    expect(seen?.devices.map(({ index }) => index)).toEqual([...Array(16).keys()]);
  });

  test('may see no GPU at all: an answer, whatever its exit code', async () => {
    const { look: seen, warnings } = await look(fakeGpu('none'), [41]);
    expect(seen).toEqual({ devices: [], holders: new Map() });
    expect(warnings).toEqual([]);
  });

  test('may not tell the memory of a GPU that has none of its own', async () => {
    const { look: seen, warnings } = await look(fakeGpu('unified'));
    expect(seen?.devices).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('still tells of the other GPUs when one is lost', async () => {
    const { look: seen } = await look(fakeGpu('half-lost'));
    expect(seen?.devices.map(({ index }) => index)).toEqual([0]);
  });

  test.each([
    [
      'fails',
      'nvidia-smi ended with exit code 9 and printed "NVIDIA-SMI has failed because it could not talk to the driver"',
    ],
    ['fails-silently', 'nvidia-smi ended with exit code 1 and printed nothing'],
    ['garbage', 'cannot read the answer of nvidia-smi: it printed "<html>not what you think</html>"'],
    ['floods', 'printed more than 1 MiB'],
  ])('that %s is told in words', async (manner, warning) => {
    const { look: seen, warnings } = await look(fakeGpu(manner));
    expect(seen).toBeNull();
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  test('that is missing is not there, and is no reason to warn', () => {
    expect(nvidiaSource({ env: { PATH: '/nowhere' } }).exists()).toBe(false);
    expect(nvidiaSource({ env: fakeGpu('normal').env }).exists()).toBe(true);
  });

  test('that hangs is killed with all it started, and leaves no zombie', async () => {
    const gpu = fakeGpu('hangs');
    const clock = virtualClock();
    const warnings: string[] = [];
    const attempts = createAttempts(clock, (text) => warnings.push(text));
    const seen = nvidiaSource({ env: gpu.env }).look(attempts.ask, []);
    await until('the tool and its child to run', () => gpu.calls().length === 2);
    await clock.pass(2_000);
    expect(await seen).toBeNull();
    expect(warnings).toEqual(['nvidia-smi did not answer within 2 s']);
    for (const { pid } of gpu.calls()) await until(`process ${pid} to be gone`, async () => !(await lives(pid)));
    await until('the tool to be reaped', async () => (await zombies()).length === 0);
  });

  test('whose list of processes hangs still tells the memory of the GPUs', async () => {
    const gpu = fakeGpu('apps-hang');
    const clock = virtualClock();
    const attempts = createAttempts(clock, () => {});
    const seen = nvidiaSource({ env: gpu.env }).look(attempts.ask, [41]);
    await until('both calls', () => gpu.calls().length === 2);
    await until('the first answer', () => clock.armed() === 1);
    await clock.pass(2_000);
    expect((await seen)?.devices).toHaveLength(2);
    expect((await seen)?.holders.size).toBe(0);
  });
});

describe('lines of nvidia-smi', () => {
  test.each([
    ['', []],
    ['0, GPU-a, 100, 10', [0]],
    [' 3 ,GPU-a, 100, 10 \r\n', [3]],
    ['0, GPU-a, [Not Supported], 10\n1, GPU-b, 100, 10', [1]],
    ['0, GPU-a, 100, 10, extra\n1, GPU-b, 100, 10', [1]],
    ['0, GPU-a, 100 MiB, 10 MiB', []],
    ['0, GPU-a, 0, 0', []],
  ])('of GPUs: %j gives %j', (text, indexes) => {
    expect(parseGpus(text)?.map(({ index }) => index)).toEqual(indexes);
  });

  test.each(['garbage', 'a, b, c, d', '0, , 100, 10', '-1, GPU-a, 1, 1'])('of GPUs: %j is none', (text) => {
    expect(parseGpus(text)).toBeNull();
  });

  test('of one process on several instances of a GPU are added up', () => {
    expect(parseProcesses('7, GPU-a, 100\n7, GPU-a, 50')?.holders.get('GPU-a')).toEqual(new Map([[7, 150 * MIB]]));
    expect(parseProcesses('7, GPU-a, 100\n7, GPU-a, [N/A]')?.holders.get('GPU-a')).toEqual(new Map([[7, null]]));
  });

  test('of a process that is not named hide who holds what of that GPU only', () => {
    const listed = parseProcesses('[Insufficient Permissions], GPU-a, 100\n7, GPU-b, 50');
    expect(listed?.hidden).toEqual(new Set(['GPU-a']));
    expect(listed?.untold).toBe(false);
  });

  test.each(['', 'No running processes found'])('%j means that no process runs', (text) => {
    expect(parseProcesses(text)).toEqual({ holders: new Map(), hidden: new Set(), untold: false });
  });

  test.each(['[N/A]', '[Not Supported]', '[N/A], [N/A], [N/A]'])('%j means that it is not told', (text) => {
    expect(parseProcesses(text)?.untold).toBe(true);
  });

  test('of processes that make no sense are no answer', () => {
    expect(parseProcesses('<html>')).toBeNull();
  });
});

/** Children of this process that have ended and were not reaped. */
async function zombies(): Promise<number[]> {
  const table = await scanProcesses();
  return table.filter(({ parent, state }) => parent === process.pid && isZombie(state)).map(({ pid }) => pid);
}
