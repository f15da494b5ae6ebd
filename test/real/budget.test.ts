/** Real models under a memory budget: who fits stays, who does not makes room, and what they really take is seen. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../support/until.ts';
import { startTurnout, type Turnout } from './turnout.ts';

const kit = inject('realModels');
const MIB = 1024 ** 2;

/** Two of the three fit, whatever they are seen to hold: a size that was only observed never counts for more than there is. */
const BUDGET = `
turnout:
  planner: budget
  devices: { ram: 8GiB }
  memory: { ram: 4GiB }
`;

interface Ps {
  models: { id: string; phase: string; memory: { observed: { ram?: number } | null; reserved: object | null } }[];
}

describe.skipIf(kit === null || process.platform !== 'linux')('real models under a memory budget', () => {
  let turnout: Turnout;

  beforeAll(async () => {
    if (kit !== null) turnout = await startTurnout(kit, BUDGET);
  });
  afterAll(async () => {
    await turnout?.stop();
    await turnout?.dispose();
  });

  const get = async <T>(path: string) => (await (await fetch(`${turnout.url}${path}`)).json()) as T;
  const ready = async () => {
    const { models } = await get<Ps>('/api/ps');
    return models.filter(({ phase }) => phase === 'ready').map(({ id }) => id);
  };
  const post = (path: string, body: object) =>
    fetch(`${turnout.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const chat = (model: string) =>
    post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 4 });
  const embed = () => post('/v1/embeddings', { model: 'smollm2-embed', input: 'one' });
  const observed = async (model: string) => {
    const { models } = await get<Ps>('/api/ps');
    return models.find(({ id }) => id === model)?.memory.observed?.ram ?? null;
  };

  it('stay loaded together while they fit', async () => {
    expect((await chat('smollm2')).status).toBe(200);
    expect((await chat('gemma3')).status).toBe(200);
    expect(await ready()).toEqual(['smollm2', 'gemma3']);
  });

  it('are seen to hold what their processes hold, until that is forgotten', async () => {
    const bytes = await until('what gemma3 holds', () => observed('gemma3'), 30_000);
    expect(bytes).toBeGreaterThan(100 * MIB);
    expect(bytes).toBeLessThan(3_000 * MIB);
    expect((await post('/api/models/forget/gemma3', {})).status).toBe(200);
    const [forgotten] = await turnout.events('memory.forgotten');
    expect(forgotten).toMatchObject({ model: 'gemma3' });
  });

  it('make room as the dry run said, the one whose loss costs least', async () => {
    for (let n = 0; n < 3; n++) expect((await chat('smollm2')).status).toBe(200);
    const plan = await get<{ verdict: string; reason: string; evict: { id: string }[] }>(
      '/api/plan?model=smollm2-embed',
    );
    expect(plan).toMatchObject({ verdict: 'swap' });
    expect(plan.reason).toMatch(/^4 GiB on ram are needed and 0 bytes are free: /);
    expect((await embed()).status).toBe(200);
    const [gone] = (await turnout.events('swap.started')).at(-1)?.data.evict ?? [];
    expect([gone]).toEqual(plan.evict.map(({ id }) => id));
    expect(await ready()).toEqual(['smollm2', 'gemma3', 'smollm2-embed'].filter((id) => id !== gone));
  });

  it('are never more than fit, from the start of a process to its end', async () => {
    let alive = 0;
    for (const event of await turnout.events('process.starting', 'process.exited')) {
      alive += event.type === 'process.starting' ? 1 : -1;
      expect(alive, `at position ${event.position}`).toBeLessThanOrEqual(2);
    }
    expect(alive).toBe(2);
  });

  it('wait for a pin, and the dry run says whose', async () => {
    const loaded = await ready(); // which two, depends on how long each of them took to load
    for (const model of loaded) expect((await post(`/api/models/pin/${model}`, {})).status).toBe(200);
    const left = ['smollm2', 'gemma3', 'smollm2-embed'].find((model) => !loaded.includes(model));
    const plan = await get<{ verdict: string; reason: string }>(`/api/plan?model=${left}`);
    expect(plan.verdict).toBe('wait');
    expect(plan.reason).toContain('is pinned by');
  });
});
