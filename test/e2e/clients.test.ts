/** The main job with the clients that people use: the `openai` and `@anthropic-ai/sdk` packages through a real turnout. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeConfig } from '../support/fake-models.ts';
import { freePorts } from '../support/ports.ts';
import { startTurnout, type Turnout } from '../support/turnout.ts';
import { until } from '../support/until.ts';

let turnout: Turnout;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  const config = fakeConfig(await freePorts(5), {
    qwen: { flags: '--tokens-per-second 0', more: ['aliases: [gpt-4o-mini]'] },
    llama: { flags: '--tokens-per-second 200 --tokens 400' },
    'org/model:8b': { flags: '--tokens-per-second 0', more: ['useModelName: inner-name'] },
    fragile: { flags: '--tokens-per-second 50 --die-mid-stream 3' },
    silent: { flags: '--hang', more: ['timeouts: { responseHeader: 1 }'] },
  });
  turnout = await startTurnout({ config });
  const options = { apiKey: 'unused', maxRetries: 0 };
  openai = new OpenAI({ ...options, baseURL: `${turnout.url}/v1` });
  anthropic = new Anthropic({ ...options, baseURL: turnout.url });
});

afterAll(async () => {
  await turnout.stop();
  await turnout.dispose();
});

const messages = [{ role: 'user' as const, content: 'Say something' }];

describe('the openai package', () => {
  it('gets a chat completion, by alias too', async () => {
    for (const model of ['qwen', 'gpt-4o-mini']) {
      const answer = await openai.chat.completions.create({ model, messages });
      expect(answer.choices[0]?.message.content).toMatch(/\w/);
      expect(answer.usage?.completion_tokens).toBeGreaterThan(0);
    }
  });

  it('gets a stream, and swaps to another model for it', async () => {
    let text = '';
    for await (const chunk of await openai.chat.completions.create({
      model: 'llama',
      messages,
      stream: true,
      max_tokens: 9,
    })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text.split(' ').length).toBeGreaterThan(3);
    const running = (await (await turnout.get('/running')).json()) as { running: { model: string }[] };
    expect(running.running.map((one) => one.model)).toEqual(['llama']);
  });

  it('gets completions, responses, embeddings and the list of models', async () => {
    const model = 'qwen';
    expect((await openai.completions.create({ model, prompt: 'x' })).choices[0]?.text).toMatch(/\w/);
    expect((await openai.responses.create({ model, input: 'x' })).output_text).toMatch(/\w/);
    expect((await openai.embeddings.create({ model, input: 'x' })).data[0]?.embedding.length).toBeGreaterThan(0);
    const ids = (await openai.models.list()).data.map((one) => one.id);
    expect(ids).toEqual(['fragile', 'llama', 'org/model:8b', 'qwen', 'silent']);
  });

  it('reaches a model whose id has a slash and a colon, under the name that its server wants', async () => {
    const answer = await openai.chat.completions.create({ model: 'org/model:8b', messages });
    expect(answer.choices[0]?.message.content).toMatch(/\w/);
    const seen = (await (await turnout.get('/upstream/org/model:8b/fake/requests')).json()) as {
      last: { model: string };
    };
    expect(seen.last.model).toBe('inner-name');
  });

  it('is told of an unknown model', async () => {
    const asked = openai.chat.completions.create({ model: 'qwne', messages });
    await expect(asked).rejects.toMatchObject({ status: 404, message: expect.stringContaining('did you mean "qwen"') });
  });

  it('stops the generation when it aborts a stream', async () => {
    const abort = new AbortController();
    const stream = await openai.chat.completions.create(
      { model: 'llama', messages, stream: true },
      { signal: abort.signal },
    );
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) abort.abort();
    }
    const cancelled = await until('the cancelled request in the log', async () =>
      (await turnout.events('request.cancelled')).find((event) => event.model === 'llama'),
    );
    expect(cancelled.data).toMatchObject({ stage: 'serving', status: 200 });
    const slots = async () =>
      (await (await turnout.get('/upstream/llama/slots')).json()) as { is_processing: boolean }[];
    await until('every slot of the model to be free', async () => (await slots()).every((slot) => !slot.is_processing));
  });

  it('gets an error in its own dialect when the server dies in the middle of a stream', async () => {
    const stream = await openai.chat.completions.create({ model: 'fragile', messages, stream: true });
    const read = async () => {
      for await (const _chunk of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    const cut = await until('the broken answer in the log', async () =>
      (await turnout.events('request.finished')).find((event) => event.data.outcome === 'cut'),
    );
    expect(cut.model).toBe('fragile');
  });

  it('gets 504 when timeouts.responseHeader is over, and only because the config sets it', async () => {
    await expect(openai.chat.completions.create({ model: 'silent', messages })).rejects.toMatchObject({ status: 504 });
  });
});

describe('the anthropic package', () => {
  it('gets a message, streamed and not', async () => {
    const model = 'qwen';
    const answer = await anthropic.messages.create({ model, max_tokens: 20, messages });
    expect(answer.content[0]).toMatchObject({ type: 'text' });
    const stream = anthropic.messages.stream({ model, max_tokens: 20, messages });
    expect(await stream.finalText()).toMatch(/\w/);
  });

  it('gets an error in its own dialect when the server dies in the middle of a stream', async () => {
    const stream = anthropic.messages.stream({ model: 'fragile', max_tokens: 50, messages });
    await expect(stream.finalText()).rejects.toBeInstanceOf(Anthropic.AnthropicError);
  });
});

describe('what the log keeps of it', () => {
  it('has tokens and speeds of streamed and unstreamed answers, who asked, and where the time went', async () => {
    const response = await turnout.post(
      '/v1/chat/completions',
      { model: 'qwen', messages },
      { headers: { 'x-session-id': 's-1' } },
    );
    const id = response.headers.get('x-turnout-request-id');
    await response.text();
    const arrived = (await turnout.events('request.arrived')).find((event) => event.data.id === id);
    expect(arrived?.data).toMatchObject({
      asked: 'qwen',
      session: 's-1',
      endpoint: '/v1/chat/completions',
      streaming: false,
    });
    expect(arrived?.data.client).toContain('127.0.0.1');
    const finished = await until('the end of the request', async () =>
      (await turnout.events('request.finished')).find((event) => event.request === arrived?.position),
    );
    expect(finished.data).toMatchObject({ outcome: 'ok', status: 200 });
    expect(finished.data.usage?.outputTokens).toBeGreaterThan(0);
    expect(finished.data.usage?.tokensPerSecond).toBeGreaterThan(0);
    const explained = (await (await turnout.get(`/api/explain/request/${id}`)).json()) as { text: string[] };
    expect(explained.text.join('\n')).toContain('status 200');
  });

  it('never holds a prompt, an answer or a key', async () => {
    const canary = 'canary-7f3a';
    await turnout.post(
      '/v1/chat/completions',
      { model: 'qwen', messages: [{ role: 'user', content: canary }] },
      { headers: { authorization: `Bearer ${canary}`, 'x-other': canary } },
    );
    expect(JSON.stringify(await turnout.events())).not.toContain(canary);
    expect(turnout.output()).not.toContain(canary);
  });

  it('keeps every byte of a body that it edits, but the model', async () => {
    const body = '{ "seed" : 9007199254740993,\n "messages":[], "model":"org/model:8b" , "x":1.0}';
    await (await turnout.post('/v1/chat/completions', body)).text();
    const seen = (await (await turnout.get('/upstream/org/model:8b/fake/requests')).json()) as {
      last: { bodySha256: string };
    };
    const expected = body.replace('"org/model:8b"', '"inner-name"');
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(expected));
    expect(seen.last.bodySha256).toBe(Buffer.from(digest).toString('hex'));
  });
});
