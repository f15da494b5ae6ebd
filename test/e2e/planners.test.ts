/** Planners as a user sees them: real processes, the real API, and tools of the GPU that do not answer. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { fakeGpu } from '../runtime/devices/support.ts';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

const MODELS = ['a', 'b', 'c'];

interface Running {
  turnout: Turnout;
  chat(model: string): Promise<Response>;
  ready(): Promise<string[]>;
  plan(model: string): Promise<{ verdict: string; reason: string; evict: { id: string }[] }>;
}

async function start(tail: string, more: string[] = [], env?: NodeJS.ProcessEnv): Promise<Running> {
  const spec = { flags: '--tokens 2 --load-ms 30', more };
  const config = fakeConfig(await freePorts(MODELS.length), Object.fromEntries(MODELS.map((id) => [id, spec])), tail);
  const turnout = await startTurnout({ config, ...(env === undefined ? {} : { env: env as Record<string, string> }) });
  onTestFinished(() => turnout.dispose());
  const json = async <T>(path: string) => (await (await turnout.get(path)).json()) as T;
  const models = async () => {
    return (await json<{ models: { id: string; phase: string; inFlight: number }[] }>('/api/ps')).models;
  };
  return {
    turnout,
    async chat(model) {
      const answer = await turnout.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }] });
      await until('nobody to be served', async () => (await models()).every(({ inFlight }) => inFlight === 0));
      return answer;
    },
    ready: async () => (await models()).filter(({ phase }) => phase === 'ready').map(({ id }) => id),
    plan: (model) => json(`/api/plan?model=${model}`),
  };
}

const BUDGET = 'turnout:\n  planner: budget\n  devices: { gpu0: 24GiB }\n';
const SIZE = ['turnout: { memory: 10GiB }'];

describe('under a memory budget', () => {
  it.each(['hangs', 'apps-hang', 'unified'])(
    'models come and go although nvidia-smi %s',
    { timeout: 60_000 },
    async (manner) => {
      const { turnout, chat, ready, plan } = await start(BUDGET, SIZE, fakeGpu(manner).env);
      for (const model of ['a', 'b']) expect((await chat(model)).status).toBe(200);
      expect(await ready()).toEqual(['a', 'b']);
      const { verdict, reason, evict } = await plan('c');
      expect([verdict, evict.length]).toEqual(['swap', 1]);
      expect(reason).toMatch(/^10 GiB on gpu0 are needed and 4 GiB are free: . leaves \(idle /);
      expect((await chat('c')).status).toBe(200);
      const gone = evict[0]?.id;
      expect(await ready()).toEqual(MODELS.filter((id) => id !== gone));
      const [swap] = (await turnout.events('swap.started')).slice(-1);
      expect(swap?.data.evict).toEqual([gone]);
      await turnout.stop();
    },
  );

  it('what can never fit is refused before anything starts, with the sum', async () => {
    const refused = start(BUDGET, ['turnout: { memory: 30GiB }']);
    await expect(refused).rejects.toThrow('models.a.turnout.memory is 30 GiB, which is more than gpu0 has (24 GiB)');
  });

  it('a pin holds, and whoever is refused for it is told whose it is and when to come back', async () => {
    const { turnout, chat, ready } = await start(`${BUDGET}  protect: { models: [a], otherwise: refuse }\n`, SIZE);
    for (const model of ['a', 'b']) expect((await chat(model)).status).toBe(200);
    expect((await turnout.post('/api/models/pin/b', { for: '2h' })).status).toBe(200);
    const refused = await chat('c');
    expect(refused.status).toBe(503);
    const text = await refused.text();
    expect(text).toContain('10 GiB on gpu0 are needed and 4 GiB are free, but b is pinned by ');
    expect(text).toContain(' for another 2 h');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(7_000);
    expect(await ready()).toEqual(['a', 'b']);
    expect((await turnout.post('/api/models/unpin/b', {})).status).toBe(200);
    expect((await chat('c')).status).toBe(200);
    expect(await ready()).toEqual(['a', 'c']);
  });

  it('the model of whenIdle comes back when nobody asks', async () => {
    const { turnout, chat, ready } = await start(`${BUDGET}  whenIdle: { after: 1s, load: a }\n`, [
      'turnout: { memory: 20GiB }',
    ]);
    expect((await chat('b')).status).toBe(200);
    await until('a to be loaded for idleness', async () => (await ready()).join() === 'a');
    const [idle] = (await turnout.events('request.arrived')).filter(({ data }) => data.kind === 'idle');
    expect(idle).toMatchObject({ model: 'a', data: { endpoint: 'whenIdle' } });
  });
});

describe('under a matrix', () => {
  it('a set stays together, and the cheaper model leaves', async () => {
    const matrix = 'matrix:\n  evict_costs: { a: 5 }\n  sets: { pair: a & b, other: a & c, third: b & c }\n';
    const { chat, ready, plan } = await start(`${matrix}turnout:\n  planner: matrix\n`);
    for (const model of ['a', 'b']) expect((await chat(model)).status).toBe(200);
    expect(await ready()).toEqual(['a', 'b']);
    expect(await plan('c')).toMatchObject({
      evict: [{ id: 'b' }],
      reason: 'set "other" (a & c) holds c beside a, so b must leave (evict cost 1)',
    });
    expect((await chat('c')).status).toBe(200);
    expect(await ready()).toEqual(['a', 'c']);
  });
});
