/** The fake model against the real `@anthropic-ai/sdk` client, streaming and not. */
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { collect, fakeModel } from './helpers.ts';

async function client(options: Parameters<typeof fakeModel>[0] = {}): Promise<Anthropic> {
  return new Anthropic({ baseURL: await fakeModel(options), apiKey: 'none', maxRetries: 0 });
}

const ask = {
  model: 'x',
  max_tokens: 100,
  system: 'be brief',
  messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello there' }] }],
};

describe('the fake model and the Anthropic client', () => {
  it('answers a message with text, usage and a stop reason', async () => {
    const anthropic = await client({ model: 'qwen', tokens: 5 });
    const answer = await anthropic.messages.create(ask);
    expect(answer.content).toEqual([{ type: 'text', text: 'qwen read 4 words and' }]);
    expect(answer.stop_reason).toBe('end_turn');
    expect(answer.usage).toMatchObject({ input_tokens: 4, output_tokens: 5, cache_read_input_tokens: 0 });
  });

  it('streams the same message', async () => {
    const anthropic = await client({ model: 'qwen', tokens: 5 });
    const stream = anthropic.messages.stream(ask);
    const types = (await collect(stream)).map((event) => event.type);
    expect(types).toEqual([
      'message_start',
      'content_block_start',
      ...Array.from({ length: 5 }, () => 'content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const final = await stream.finalMessage();
    expect(final.content[0]).toMatchObject({ type: 'text', text: 'qwen read 4 words and' });
    expect(final.usage).toMatchObject({ input_tokens: 4, output_tokens: 5 });
  });

  it('stops at max_tokens', async () => {
    const anthropic = await client();
    const answer = await anthropic.messages.create({ ...ask, max_tokens: 2 });
    expect(answer.stop_reason).toBe('max_tokens');
    expect(answer.usage.output_tokens).toBe(2);
  });

  it('counts a repeated prompt as read from the cache, not as input', async () => {
    const anthropic = await client({ slots: 1 });
    await anthropic.messages.create(ask);
    const again = await anthropic.messages.create(ask);
    expect(again.usage).toMatchObject({ input_tokens: 1, cache_read_input_tokens: 3 });
  });

  it('counts tokens', async () => {
    const anthropic = await client();
    const { max_tokens: _, ...question } = ask;
    expect((await anthropic.messages.countTokens(question)).input_tokens).toBe(4);
  });

  it('fails in the dialect of the client', async () => {
    const anthropic = await client({ errorStatus: 529, model: 'qwen' });
    await expect(anthropic.messages.create(ask)).rejects.toMatchObject({
      status: 529,
      error: { type: 'error', error: { type: 'overloaded_error' } },
    });
  });
});
