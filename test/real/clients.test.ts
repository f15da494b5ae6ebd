/** Real models through turnout with the real clients: every dialect, whole and streamed, and what the log keeps of it. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../support/until.ts';
import { startTurnout, type Turnout } from './turnout.ts';

const kit = inject('realModels');
const messages = [{ role: 'user' as const, content: 'Name three colours.' }];

describe.skipIf(kit === null)('clients of real models', () => {
  let turnout: Turnout;
  let openai: OpenAI;
  let anthropic: Anthropic;

  beforeAll(async () => {
    if (kit === null) return;
    turnout = await startTurnout(kit);
    openai = new OpenAI({ baseURL: `${turnout.url}/v1`, apiKey: 'none', maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: turnout.url, apiKey: 'none', maxRetries: 0 });
  });
  afterAll(async () => {
    await turnout?.stop();
    await turnout?.dispose();
  });

  it('get a chat answer, whose counts and speeds the log keeps', async () => {
    const answer = await openai.chat.completions.create({ model: 'smollm2', messages, max_tokens: 16 });
    expect(answer.choices[0]?.message.content).not.toBe('');
    const [finished] = await until('the answer to be in the log', async () => {
      const events = await turnout.events('request.finished');
      return events.length > 0 && events;
    });
    const usage = finished?.data.usage;
    expect(finished?.data).toMatchObject({ outcome: 'ok', status: 200, error: null });
    // What was cached is not counted as input when the server reports timings (spec 6.2).
    expect((usage?.inputTokens ?? 0) + (usage?.cachedTokens ?? 0)).toBe(answer.usage?.prompt_tokens);
    expect(usage?.outputTokens).toBe(answer.usage?.completion_tokens);
    expect(usage?.tokensPerSecond).toBeGreaterThan(0);
    expect(usage?.promptPerSecond).toBeGreaterThan(0);
  });

  it('get a chat as a stream, with usage when they ask for it', async () => {
    const before = (await turnout.events('request.finished')).length;
    const stream = await openai.chat.completions.create({
      model: 'smollm2',
      messages,
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expect(text).not.toBe('');
    expect(tokens).toBeGreaterThan(0);
    const finished = await until('the stream to be in the log', async () => {
      return (await turnout.events('request.finished'))[before];
    });
    expect(finished.data.usage?.outputTokens).toBe(tokens);
    expect(finished.data.usage?.tokensPerSecond).toBeGreaterThan(0);
  });

  it('complete a plain prompt', async () => {
    const answer = await openai.completions.create({ model: 'smollm2', prompt: 'One, two,', max_tokens: 8 });
    expect(answer.choices[0]?.text).not.toBe('');
    expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
  });

  it('use the responses API, whole and streamed', async () => {
    const ask = { model: 'smollm2', input: 'Name three colours.', max_output_tokens: 16 };
    const answer = await openai.responses.create(ask);
    expect(answer.output_text).not.toBe('');
    const types: string[] = [];
    for await (const event of await openai.responses.create({ ...ask, stream: true })) types.push(event.type);
    expect(types[0]).toBe('response.created');
    expect(types).toContain('response.output_text.delta');
    expect(types.at(-1)).toBe('response.completed');
  });

  it('use the messages API, whole and streamed', async () => {
    const answer = await anthropic.messages.create({ model: 'smollm2', messages, max_tokens: 16 });
    expect(answer.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/./) });
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
    const stream = anthropic.messages.stream({ model: 'smollm2', messages, max_tokens: 16 });
    const final = await stream.finalMessage();
    expect(final.content[0]).toMatchObject({ type: 'text', text: expect.stringMatching(/./) });
    expect(final.usage.output_tokens).toBeGreaterThan(0);
  });

  it('embed texts: like texts lie closer than unlike ones', async () => {
    const input = ['a small red car', 'a little red automobile', 'the theory of numbers'];
    const answer = await openai.embeddings.create({ model: 'smollm2-embed', input });
    const [a, b, c] = answer.data.map((entry) => entry.embedding) as [number[], number[], number[]];
    const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    const cosine = (x: number[], y: number[]) => dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
    expect(a).toHaveLength(576);
    expect(cosine(a, b)).toBeGreaterThan(cosine(a, c));
  });

  it('see an error of the model as it is', async () => {
    await expect(openai.embeddings.create({ model: 'smollm2', input: 'no' })).rejects.toMatchObject({ status: 501 });
  });
});
