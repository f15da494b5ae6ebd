/** When devices are looked at, and what becomes of a look. */
import { describe, expect, test } from 'vitest';
import { runId } from '../../../src/core/ids.ts';
import { createDeviceSampler, type Sample } from '../../../src/core/runtime/devices/sampler.ts';
import { deviceSources } from '../../../src/core/runtime/devices/sources.ts';
import { until } from '../../support/until.ts';
import { fakeSource, sampledWorld } from './sampler-world.ts';
import { fakeGpu, GIB, MIB } from './support.ts';

const [A, B] = [runId(1), runId(2)];

describe('devices are looked at', () => {
  test('not at all while nothing is alive and nobody asks', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock } = sampledWorld(gpu);
    await clock.pass(3_600_000);
    expect(gpu.looks).toBe(0);
    expect(clock.armed()).toBe(0);
  });

  test('every ten seconds while a run is alive, and once when it is gone', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler } = sampledWorld(gpu);
    sampler.changed(A, 'starting', null);
    await clock.pass(0);
    expect(gpu.looks).toBe(1);
    await clock.pass(60_000);
    expect(gpu.looks).toBe(7);
    sampler.changed(A, 'stopping', null);
    sampler.changed(A, 'gone', null);
    await clock.pass(3_600_000);
    expect(gpu.looks).toBe(8);
    expect(clock.armed()).toBe(0);
  });

  test('every half second for ten seconds after a run became ready', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler } = sampledWorld(gpu);
    sampler.changed(A, 'ready', null);
    await clock.pass(10_000);
    expect(gpu.looks).toBe(21);
    await clock.pass(30_000);
    expect(gpu.looks).toBeLessThanOrEqual(25);
  });

  test('every half second for as long as something waits for it, alive or not', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler, world } = sampledWorld(gpu);
    world.urgent = true;
    sampler.soon();
    await clock.pass(5_000);
    expect(gpu.looks).toBe(11);
    world.urgent = false;
    await clock.pass(3_600_000);
    expect(gpu.looks).toBe(12);
  });

  test('at once when asked, but not more often than every tenth of a second', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler } = sampledWorld(gpu);
    for (let i = 0; i < 1_000; i++) {
      sampler.soon();
      await clock.pass(1);
    }
    expect(gpu.looks).toBeGreaterThanOrEqual(10);
    expect(gpu.looks).toBeLessThanOrEqual(11);
  });

  test('never twice at the same time, however slow they are', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    gpu.manner = 1_900;
    const { clock, sampler, world } = sampledWorld(gpu);
    world.urgent = true;
    for (let i = 0; i < 40; i++) {
      sampler.soon();
      void sampler.now();
      await clock.pass(500);
    }
    expect(gpu.looks).toBeGreaterThan(9);
    expect(gpu.atOnceMax).toBe(1);
  });

  test('not at all when none is configured, and those of GPUs only where one is', async () => {
    const [gpu, ram] = [fakeSource('nvidia', [GIB]), fakeSource('ram', [GIB])];
    const { clock, sampler, world, samples } = sampledWorld(gpu, ram);
    world.configured = [];
    sampler.changed(A, 'ready', null);
    await clock.pass(60_000);
    expect(await sampler.now()).toBeNull();
    world.configured = ['ram'];
    await sampler.now();
    expect([gpu.looks, ram.looks]).toEqual([0, 1]);
    expect(samples).toEqual([{ devices: [{ id: 'ram', totalBytes: 24 * GIB, usedBytes: GIB }], runs: [] }]);
  });

  test('no more once it is closed', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler, samples, warnings } = sampledWorld(gpu);
    sampler.changed(A, 'ready', null);
    gpu.manner = 'hangs';
    const asked = sampler.now();
    await clock.pass(10);
    sampler.close();
    await clock.pass(60_000);
    expect(await asked).toBeNull();
    expect(await sampler.now()).toBeNull();
    expect(samples).toEqual([]);
    expect(warnings).toEqual([]);
    expect(clock.armed()).toBe(0);
  });
});

describe('a source that hangs', () => {
  test('costs its figures, two seconds, and one warning', async () => {
    const [gpu, ram] = [fakeSource('nvidia', [GIB]), fakeSource('ram', [GIB])];
    gpu.manner = 'hangs';
    const { clock, sampler, world, samples, warnings } = sampledWorld(gpu, ram);
    world.configured = ['gpu0', 'ram'];
    world.urgent = true;
    sampler.soon();
    await clock.pass(1_999);
    expect(samples).toEqual([]);
    await clock.pass(4_001);
    expect(samples.length).toBeGreaterThanOrEqual(8);
    expect(samples.every(({ devices }) => devices.length === 1 && devices[0]?.id === 'ram')).toBe(true);
    expect(gpu.looks).toBe(1);
    expect(warnings).toEqual(['the nvidia tool did not answer within 2 s']);
  });

  test('does not make the GPU of another make take its name', async () => {
    const [gpu, amd] = [fakeSource('nvidia', [GIB]), fakeSource('amd', [2 * GIB])];
    const { clock, sampler, world, samples } = sampledWorld(gpu, amd);
    world.configured = ['gpu0', 'gpu1'];
    gpu.manner = 'fails';
    await sampler.now();
    expect(samples).toEqual([]);
    gpu.manner = 'answers';
    await sampler.now();
    gpu.manner = 'fails';
    await sampler.now();
    const used = samples.map(({ devices }) => devices.map(({ id, usedBytes }) => [id, usedBytes / GIB]));
    expect(used).toEqual([
      [
        ['gpu0', 1],
        ['gpu1', 2],
      ],
      [['gpu1', 2]],
    ]);
    expect(clock.armed()).toBe(0);
  });

  test('is left out of the count once it was given up', async () => {
    const [gpu, amd] = [fakeSource('nvidia', [GIB]), fakeSource('amd', [2 * GIB])];
    gpu.manner = 'fails';
    const { sampler, samples } = sampledWorld(gpu, amd);
    for (let i = 0; i < 3; i++) await sampler.now();
    expect(samples.at(-1)?.devices).toEqual([{ id: 'gpu0', totalBytes: 24 * GIB, usedBytes: 2 * GIB }]);
  });
});

describe('a sample', () => {
  test('says what each ready run holds, once it is told', async () => {
    const gpu = fakeSource('amd', [5 * GIB]);
    const { clock, sampler, samples, families } = sampledWorld(gpu);
    families.set(A, [{ pid: 11, name: 'llama-server' }]);
    families.set(B, [{ pid: 21, name: 'llama-server' }]);
    gpu.held = [{ 11: GIB, 21: 2 * GIB }];
    sampler.changed(A, 'ready', null);
    sampler.changed(B, 'starting', null);
    await clock.pass(0);
    expect(samples).toEqual([
      {
        devices: [{ id: 'gpu0', totalBytes: 24 * GIB, usedBytes: 5 * GIB }],
        runs: [{ run: A, bytes: { gpu0: GIB } }],
      },
    ]);
  });

  test('leaves out a run that began to stop while it was looked at', async () => {
    const gpu = fakeSource('amd', [5 * GIB]);
    gpu.manner = 100;
    const { clock, sampler, samples, families } = sampledWorld(gpu);
    families.set(A, [{ pid: 11, name: 'llama-server' }]);
    gpu.held = [{ 11: GIB }];
    sampler.changed(A, 'ready', null);
    await clock.pass(50);
    sampler.changed(A, 'stopping', null);
    await clock.pass(50);
    expect(samples.map(({ runs }) => runs)).toEqual([[]]);
  });

  test('tells runs apart by what a device held before them, where processes are not told', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler, samples } = sampledWorld(gpu);
    const runs = () => samples.at(-1)?.runs;
    sampler.changed(A, 'starting', null);
    await clock.pass(5_000);
    gpu.used = [5 * GIB];
    sampler.changed(A, 'ready', null);
    await clock.pass(1_000);
    expect(runs()).toEqual([{ run: A, bytes: { gpu0: 4 * GIB } }]);
    sampler.changed(B, 'starting', null);
    await clock.pass(5_000);
    expect(runs()).toEqual([]);
    gpu.used = [12 * GIB];
    sampler.changed(B, 'ready', null);
    await clock.pass(1_000);
    expect(runs()).toEqual([{ run: B, bytes: { gpu0: 7 * GIB } }]);
    sampler.changed(A, 'stopping', null);
    sampler.changed(A, 'gone', null);
    gpu.used = [8 * GIB];
    await clock.pass(1_000);
    expect(runs()).toEqual([]);
  });

  test('is not told in its terms when names changed their meaning', async () => {
    const [gpu, amd] = [fakeSource('nvidia', [GIB]), fakeSource('amd', [20 * GIB])];
    gpu.manner = 'fails';
    const { clock, sampler, samples } = sampledWorld(gpu, amd);
    for (let i = 0; i < 3; i++) await sampler.now();
    sampler.changed(A, 'starting', null);
    await clock.pass(300_000);
    gpu.manner = 'answers';
    gpu.used = [23 * GIB];
    sampler.changed(A, 'ready', null);
    await clock.pass(1_000);
    expect(samples.at(-1)).toEqual({ devices: [{ id: 'gpu0', totalBytes: 24 * GIB, usedBytes: 23 * GIB }], runs: [] });
  });

  test('whose taker fails is told once, and others follow', async () => {
    const gpu = fakeSource('nvidia', [GIB]);
    const { clock, sampler, samples, warnings, world } = sampledWorld(gpu);
    samples.push = () => {
      throw new Error('full');
    };
    world.urgent = true;
    sampler.soon();
    await clock.pass(5_000);
    expect(gpu.looks).toBe(11);
    expect(warnings).toEqual(['cannot sample the devices: full']);
  });
});

describe('with the tool itself', () => {
  const sampling = (gpu: ReturnType<typeof fakeGpu>) => {
    const samples: Sample[] = [];
    const warnings: string[] = [];
    const sampler = createDeviceSampler({
      devices: () => ['gpu0', 'gpu1', 'ram'],
      sources: deviceSources({ env: gpu.env }),
      families: async () => new Map([[A, [{ pid: process.pid, name: 'node' }]]]),
      urgent: () => false,
      onSample: (sample) => samples.push(sample),
      onWarning: (text) => warnings.push(text),
    });
    sampler.start();
    return { sampler, samples, warnings };
  };

  test('what a run holds of each device is told while it is ready', async () => {
    const gpu = fakeGpu('normal', { apps: [`${process.pid} 512 1`] });
    const { sampler, samples, warnings } = sampling(gpu);
    sampler.changed(A, 'ready', null);
    await until('two samples', () => samples.length >= 2);
    sampler.close();
    expect(samples[1]?.devices.map(({ id }) => id)).toEqual(['gpu0', 'gpu1', 'ram']);
    expect(samples[1]?.runs).toEqual([{ run: A, bytes: { gpu0: 0, gpu1: 512 * MIB, ram: expect.any(Number) } }]);
    expect(samples[1]?.runs[0]?.bytes['ram']).toBeGreaterThan(10 * MIB);
    expect(warnings).toEqual([]);
  });

  test('a tool that fails leaves the rest, and no figure for a run', async () => {
    const { sampler, samples, warnings } = sampling(fakeGpu('fails'));
    sampler.changed(A, 'ready', null);
    await until('two samples', () => samples.length >= 2);
    sampler.close();
    expect(samples[1]).toMatchObject({ devices: [{ id: 'ram' }], runs: [] });
    expect(warnings).toHaveLength(1);
  });
});
