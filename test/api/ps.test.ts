import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { modelId, requestId } from '../../src/core/ids.ts';
import { fakeConfig, startingData } from './fake-router.ts';
import { ask, serve } from './server.ts';

const GIB = 1_024 ** 3;

const config = () => {
  const base = fakeConfig([
    { id: 'qwen', memory: { gpu0: 12 * GIB } },
    { id: 'llama', memory: 8 * GIB },
    { id: 'embed' },
  ]);
  const devices = new Map([
    ['gpu0', 24 * GIB],
    ['ram', 64 * GIB],
  ]);
  const protect = { models: [modelId('embed')], otherwise: 'refuse' as const };
  return { ...base, turnout: { ...base.turnout, devices, protect } };
};

describe('GET /api/ps', () => {
  it('tells of each model its pin, its protection, and what memory is declared, observed and reserved', async () => {
    const { router, ...server } = await serve(config());
    const reserved = { gpu0: 12 * GIB };
    const run = router.add('process.starting', startingData('qwen', { memory: reserved }), { model: 'qwen' }) as never;
    router.add('process.ready', { run, baseUrl: 'http://x', loadMs: 5 }, { model: 'qwen' });
    router.add('memory.observed', { run, bytes: { gpu0: 11 * GIB } }, { model: 'qwen' });
    router.add('model.pinned', { owner: 'ann', until: 5_000 }, { model: 'llama' });
    const { models } = JSON.parse((await ask(server, 'GET', '/api/ps')).body);
    expect(models).toMatchObject([
      {
        id: 'qwen',
        pin: null,
        protected: false,
        memory: { declared: reserved, observed: { gpu0: 11 * GIB }, reserved },
      },
      {
        id: 'llama',
        pin: { owner: 'ann', until: 5_000 },
        protected: false,
        memory: { declared: 8 * GIB, observed: null, reserved: null },
      },
      { id: 'embed', pin: null, protected: true, memory: { declared: null, observed: null, reserved: null } },
    ]);
  });

  it('tells of each device what is reserved and what is used, where a tool says so', async () => {
    const { router, ...server } = await serve(config());
    router.add('process.starting', startingData('qwen', { memory: { gpu0: 12 * GIB } }), { model: 'qwen' });
    const seen = { id: 'gpu0', totalBytes: 25 * GIB, usedBytes: 13 * GIB };
    router.add('devices.sampled', { devices: [seen] });
    const { devices } = JSON.parse((await ask(server, 'GET', '/api/ps')).body);
    expect(devices).toEqual([
      {
        id: 'gpu0',
        totalBytes: 24 * GIB,
        reservedBytes: 12 * GIB,
        usedBytes: 13 * GIB,
        sampledAgoMs: expect.any(Number),
      },
      { id: 'ram', totalBytes: 64 * GIB, reservedBytes: 0, usedBytes: null, sampledAgoMs: null },
    ]);
    expect(devices[0].sampledAgoMs).toBeGreaterThanOrEqual(0);
  });

  it('tells apart what may lie on any of several devices, and names the device where there is one', async () => {
    const base = config();
    const reserved = async (devices: [string, number][]) => {
      const { router, ...server } = await serve({ ...base, turnout: { ...base.turnout, devices: new Map(devices) } });
      router.add('process.starting', startingData('llama', { memory: 8 * GIB }), { model: 'llama' });
      const answer = JSON.parse((await ask(server, 'GET', '/api/ps')).body);
      return [answer.devices.map((one: { reservedBytes: number }) => one.reservedBytes), answer.reservedAnywhereBytes];
    };
    expect(await reserved([['gpu0', 24 * GIB]])).toEqual([[8 * GIB], 0]);
    expect(
      await reserved([
        ['gpu0', 24 * GIB],
        ['gpu1', 24 * GIB],
      ]),
    ).toEqual([[0, 0], 8 * GIB]);
  });

  it('counts the requests that a loaded model served although an older one waited to swap it out', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { router, ...server } = await serve(config());
    const avoided = async () => JSON.parse((await ask(server, 'GET', '/api/ps')).body).swapsAvoided;
    const { run } = router.ready('llama', 'http://x');
    const older = router.add('request.arrived', { ...ARRIVED, id: requestId('a'), asked: 'qwen' }, { model: 'qwen' });
    router.add('plan.decided', DECIDED, { model: 'qwen', cause: older });
    expect(await avoided()).toBe(0);
    vi.setSystemTime(1_000_500);
    const newer = router.add('request.arrived', { ...ARRIVED, id: requestId('b'), asked: 'llama' }, { model: 'llama' });
    router.add('request.granted', { run, waitedMs: 0 }, { model: 'llama', request: newer });
    expect(await avoided()).toBe(1);
  });
});

const ARRIVED = {
  kind: 'inference' as const,
  client: 'ide',
  session: null,
  method: 'POST',
  endpoint: '/v1/completions',
  bytes: 1,
  streaming: false,
  priority: 0,
};

const DECIDED = {
  epoch: 1,
  viewPosition: 1,
  viewNow: 1,
  seed: 1,
  planner: { name: 'group', version: '1' },
  via: 'live' as const,
  verdict: { action: 'swap' as const, evict: [modelId('llama')], reason: 'one at a time' },
  outcome: 'pending' as const,
};
