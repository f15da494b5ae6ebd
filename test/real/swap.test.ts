/** Two real models in one swap group: each request gets its model, never two of them at a time. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTurnout, type Turnout } from './turnout.ts';

const kit = inject('realModels');

describe.skipIf(kit === null)('swaps of real models', () => {
  let turnout: Turnout;

  beforeAll(async () => {
    if (kit !== null) turnout = await startTurnout(kit);
  });
  afterAll(async () => {
    await turnout?.stop();
    await turnout?.dispose();
  });

  async function running(): Promise<string[]> {
    const body = (await (await fetch(`${turnout.url}/running`)).json()) as { running: { model: string }[] };
    return body.running.map((entry) => entry.model);
  }

  /** Status, and the file of the model that answered, as llama.cpp names it. */
  async function chat(model: string): Promise<{ status: number; by: string }> {
    const response = await fetch(`${turnout.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 4 }),
    });
    const body = (await response.json()) as { model: string };
    return { status: response.status, by: body.model };
  }

  it('stop the one and start the other', async () => {
    expect(await chat('smollm2')).toMatchObject({ status: 200, by: expect.stringContaining('smollm2') });
    expect(await running()).toEqual(['smollm2']);
    expect(await chat('gemma3')).toMatchObject({ status: 200, by: expect.stringContaining('gemma3') });
    expect(await running()).toEqual(['gemma3']);
  });

  it('serve all that ask for both at once, each by its model', async () => {
    const models = ['smollm2', 'gemma3', 'smollm2', 'gemma3', 'smollm2', 'gemma3'];
    const answers = await Promise.all(models.map(chat));
    for (const [i, answer] of answers.entries()) {
      expect(answer).toMatchObject({ status: 200, by: expect.stringContaining(models[i]!) });
    }
  });

  it('leave a log in which no model starts before the other is gone', async () => {
    let alive = 0;
    for (const event of await turnout.events('process.starting', 'process.exited')) {
      alive += event.type === 'process.starting' ? 1 : -1;
      expect(alive, `at position ${event.position}`).toBeLessThanOrEqual(1);
    }
    expect(alive).toBe(1);
  });

  it('keep a persistent model of another group beside them', async () => {
    const response = await fetch(`${turnout.url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'smollm2-embed', input: 'one' }),
    });
    expect(response.status).toBe(200);
    expect(await chat('smollm2')).toMatchObject({ status: 200 });
    expect(await running()).toEqual(['smollm2', 'smollm2-embed']);
  });
});
