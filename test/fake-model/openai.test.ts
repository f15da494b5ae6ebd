/** The fake model against the real `openai` client, streaming and not. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { collect, fakeModel } from './helpers.ts';

async function client(options: Parameters<typeof fakeModel>[0] = {}): Promise<OpenAI> {
  return new OpenAI({ baseURL: `${await fakeModel(options)}/v1`, apiKey: 'none', maxRetries: 0 });
}

const messages = [{ role: 'user' as const, content: 'how are you today' }];

describe('the fake model and the openai client', () => {
  it('answers a chat with text, usage and a finish reason', async () => {
    const openai = await client({ model: 'qwen', tokens: 9 });
    const answer = await openai.chat.completions.create({ model: 'x', messages });
    expect(answer.choices[0]?.message.content).toBe('qwen read 4 words and counts: one two');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 });
  });

  it('streams a chat: the role first, the same text, usage when asked for', async () => {
    const openai = await client({ model: 'qwen', tokens: 9 });
    const stream = await openai.chat.completions.create({
      model: 'x',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      'qwen read 4 words and counts: one two',
    );
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 9 });
  });

  it('sends no usage in a stream that did not ask for it', async () => {
    const openai = await client();
    const chunks = await collect(await openai.chat.completions.create({ model: 'x', messages, stream: true }));
    expect(chunks.some((chunk) => chunk.usage !== undefined)).toBe(false);
  });

  it('stops at the limit of the request, under either name', async () => {
    const openai = await client();
    const old = await openai.chat.completions.create({ model: 'x', messages, max_tokens: 3 });
    const recent = await openai.chat.completions.create({ model: 'x', messages, max_completion_tokens: 2 });
    expect(old.usage?.completion_tokens).toBe(3);
    expect(old.choices[0]?.finish_reason).toBe('length');
    expect(recent.usage?.completion_tokens).toBe(2);
  });

  it('completes a plain prompt, streaming and not', async () => {
    const openai = await client({ model: 'qwen', tokens: 3 });
    const whole = await openai.completions.create({ model: 'x', prompt: 'one' });
    expect(whole.choices[0]?.text).toBe('qwen read 1');
    const chunks = await collect(
      await openai.completions.create({
        model: 'x',
        prompt: 'one',
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? '').join('')).toBe('qwen read 1');
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 1, completion_tokens: 3 });
  });

  it('answers the responses API', async () => {
    const openai = await client({ model: 'qwen', tokens: 5 });
    const answer = await openai.responses.create({ model: 'x', input: 'hello there', instructions: 'be brief' });
    expect(answer.output_text).toBe('qwen read 4 words and');
    expect(answer.status).toBe('completed');
    expect(answer.usage).toMatchObject({ input_tokens: 4, output_tokens: 5, total_tokens: 9 });
  });

  it('streams the responses API as numbered events that the client can put together', async () => {
    const openai = await client({ model: 'qwen', tokens: 5 });
    const stream = openai.responses.stream({ model: 'x', input: [{ role: 'user', content: 'hello there' }] });
    const seen = await collect(stream);
    expect(seen[0]?.type).toBe('response.created');
    expect(seen.at(-1)?.type).toBe('response.completed');
    expect(seen.map((event) => event.sequence_number)).toEqual(seen.map((_, i) => i));
    const final = await stream.finalResponse();
    expect(final.output_text).toBe('qwen read 2 words and');
    expect(final.usage?.output_tokens).toBe(5);
  });

  it('embeds texts, the same text to the same vector', async () => {
    const openai = await client();
    const answer = await openai.embeddings.create({ model: 'x', input: ['red', 'blue', 'red'] });
    const [red, blue, again] = answer.data.map((entry) => entry.embedding);
    expect(red).toHaveLength(8);
    expect(again).toEqual(red);
    expect(blue).not.toEqual(red);
    const floats = await openai.embeddings.create({ model: 'x', input: 'red', encoding_format: 'float' });
    expect(floats.data[0]?.embedding).toEqual(red);
    expect(answer.usage.prompt_tokens).toBe(3);
  });

  it('lists its model, speaks, hears and draws', async () => {
    const openai = await client({ model: 'qwen' });
    expect((await collect(await openai.models.list())).map((model) => model.id)).toEqual(['qwen']);
    const wav = Buffer.from(
      await (await openai.audio.speech.create({ model: 'x', voice: 'fake', input: 'hi' })).arrayBuffer(),
    );
    expect(wav.subarray(0, 4).toString()).toBe('RIFF');
    const heard = await openai.audio.transcriptions.create({ model: 'x', file: new File([wav], 'a.wav') });
    expect(heard.text).toContain('qwen heard');
    const drawn = await openai.images.generate({ model: 'x', prompt: 'a dot' });
    expect(
      Buffer.from(drawn.data?.[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('passes on the error status that it was told', async () => {
    const openai = await client({ errorStatus: 500, model: 'qwen' });
    await expect(openai.chat.completions.create({ model: 'x', messages })).rejects.toMatchObject({
      status: 500,
      message: '500 qwen was told to fail',
    });
  });
});
