/** The fake model's own promises: loading, slots, pace, records, bytes unchanged, and the ways to misbehave. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { events, fakeModel, post, requestsOf, until } from './helpers.ts';

const chat = { model: 'asked', messages: [{ role: 'user', content: 'one two three' }] };

interface SlotView {
  id: number;
  is_processing: boolean;
}

async function busySlots(url: string): Promise<number> {
  const slots = (await (await fetch(`${url}/slots`)).json()) as SlotView[];
  return slots.filter((slot) => slot.is_processing).length;
}

describe('the fake model', () => {
  it('says 503 while it loads, to /health and to requests, then ok', async () => {
    const url = await fakeModel({ loadMs: 300 });
    const early = await fetch(`${url}/health`);
    expect(early.status).toBe(503);
    expect(await early.json()).toEqual({
      error: { message: 'Loading model', type: 'unavailable_error', code: 503 },
    });
    expect((await post(`${url}/v1/chat/completions`, chat)).status).toBe(503);
    const health = await until('the model to be ready', async () => {
      const response = await fetch(`${url}/health`);
      return response.status === 200 && response.json();
    });
    expect(health).toEqual({ status: 'ok' });
  });

  it('is never ready when told so', async () => {
    const url = await fakeModel({ neverReady: true });
    expect((await fetch(`${url}/health`)).status).toBe(503);
  });

  it('reports timings in a whole chat, and in the last chunk of a stream', async () => {
    const url = await fakeModel({ tokens: 4 });
    const whole = (await (await post(`${url}/v1/chat/completions`, chat)).json()) as Record<string, unknown>;
    expect(whole['timings']).toMatchObject({ cache_n: 0, prompt_n: 3, predicted_n: 4 });
    const streamed = await events(await post(`${url}/v1/chat/completions`, { ...chat, stream: true }));
    expect(streamed.at(-1)).toBe('[DONE]');
    expect(streamed.at(-2)).toMatchObject({ timings: { cache_n: 2, prompt_n: 1, predicted_n: 4 } });
  });

  it('speaks llama.cpp: completion and infill, whole and streamed', async () => {
    const url = await fakeModel({ model: 'qwen', tokens: 3 });
    const whole = await (await post(`${url}/completion`, { prompt: 'a b', n_predict: 2 })).json();
    expect(whole).toMatchObject({ content: 'qwen read', stop: true, stop_type: 'limit', tokens_predicted: 2 });
    const body = { input_prefix: 'a', input_suffix: 'b', stream: true };
    const streamed = await events(await post(`${url}/infill`, body));
    expect(streamed).toHaveLength(4);
    expect(streamed.at(-1)).toMatchObject({ stop: true, content: '', timings: { predicted_n: 3 } });
  });

  it('names itself in /props and /v1/models, and knows paths with and without /v1', async () => {
    const url = await fakeModel({ model: 'qwen' });
    expect(await (await fetch(`${url}/props`)).json()).toMatchObject({ model_alias: 'qwen', total_slots: 16 });
    expect(await (await fetch(`${url}/models`)).json()).toMatchObject({ data: [{ id: 'qwen' }] });
    expect((await post(`${url}/chat/completions`, chat)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  });

  it('reranks by the words in common, best first', async () => {
    const url = await fakeModel();
    const body = { query: 'red car', documents: ['a blue boat', 'the red car', 'a red boat'], top_n: 2 };
    for (const path of ['/v1/rerank', '/rerank', '/reranking', '/v1/reranking']) {
      const answer = (await (await post(url + path, body)).json()) as { results: { index: number }[] };
      expect(answer.results.map((result) => result.index)).toEqual([1, 2]);
    }
  });

  it('frees the slot at once when the client leaves, and counts the request as aborted', async () => {
    const url = await fakeModel({ tokensPerSecond: 20, tokens: 100_000 });
    const abort = new AbortController();
    const response = await post(`${url}/v1/chat/completions`, { ...chat, stream: true }, { signal: abort.signal });
    const reader = response.body!.getReader();
    await reader.read();
    expect(await busySlots(url)).toBe(1);
    abort.abort();
    await until('the slot to be free', async () => (await busySlots(url)) === 0);
    expect(await requestsOf(url)).toMatchObject({ aborted: 1, inFlight: 0 });
  });

  it('lets requests wait for a slot, and forgets one whose client left', async () => {
    const url = await fakeModel({ slots: 1, tokensPerSecond: 20, tokens: 100_000 });
    const first = new AbortController();
    const second = new AbortController();
    const send = (signal: AbortSignal, max_tokens: number) =>
      post(`${url}/v1/chat/completions`, { ...chat, stream: true, max_tokens }, { signal });
    // kept to the end: an answer that nobody refers to is collected, and its connection closed
    const streaming = await send(first.signal, 100_000);
    const waiting = send(second.signal, 1);
    const third = send(new AbortController().signal, 1);
    await until('three requests in flight', async () => (await requestsOf(url)).inFlight === 3);
    second.abort();
    await expect(waiting).rejects.toThrow();
    first.abort();
    expect((await events(await third)).at(-1)).toBe('[DONE]');
    expect(streaming.status).toBe(200);
    await until('no request in flight', async () => (await requestsOf(url)).inFlight === 0);
  });

  it('sends tokens one by one, at its pace', async () => {
    const url = await fakeModel({ tokensPerSecond: 50, tokens: 5 });
    const response = await post(`${url}/v1/chat/completions`, { ...chat, stream: true });
    let reads = 0;
    for await (const _ of response.body!) reads++;
    // Not one read per token: a busy machine may find two of them waiting.
    expect(reads).toBeGreaterThan(1);
  });

  it('records what arrived by length and hash, and the headers as they were sent', async () => {
    const url = await fakeModel();
    const bytes = Buffer.from('{"model":"asked",  "seed":9007199254740993,"prompt":"\\u00e9é"}');
    const headers = { 'Content-Type': 'application/json', 'X-Odd-Case': 'yes' };
    await new Promise<void>((resolve, reject) => {
      const req = request(`${url}/v1/completions?a=%2F`, { method: 'POST', headers }, (res) => {
        res.resume().on('end', resolve);
      });
      req.on('error', reject).end(bytes);
    });
    const { last, served } = await requestsOf(url);
    expect(served).toBe(1);
    expect(last).toMatchObject({
      method: 'POST',
      url: '/v1/completions?a=%2F',
      bodyBytes: bytes.length,
      bodySha256: createHash('sha256').update(bytes).digest('hex'),
      model: 'asked',
    });
    expect(last?.rawHeaders).toContain('X-Odd-Case');
  });

  it('echoes a body unchanged', async () => {
    const url = await fakeModel();
    const bytes = randomBytes(1_000_000);
    const headers = { 'content-type': 'application/x-odd' };
    const response = await fetch(`${url}/fake/echo`, { method: 'POST', headers, body: new Uint8Array(bytes) });
    expect(response.headers.get('content-type')).toBe('application/x-odd');
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('answers 400 to a body that is no JSON object, and 404 to an unknown path', async () => {
    const url = await fakeModel();
    expect((await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: 'no' })).status).toBe(400);
    expect((await post(`${url}/v1/embeddings`, {})).status).toBe(400);
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  });

  it('hangs on requests but not on /health', async () => {
    const url = await fakeModel({ hang: true });
    const abort = new AbortController();
    const hanging = post(`${url}/v1/chat/completions`, chat, { signal: abort.signal });
    await until('the request to arrive', async () => (await requestsOf(url)).inFlight === 1);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    abort.abort();
    await expect(hanging).rejects.toThrow();
  });

  it('hangs on /health when told so', async () => {
    const url = await fakeModel({ hangHealth: true });
    const abort = new AbortController();
    const hanging = fetch(`${url}/health`, { signal: abort.signal });
    await until('the probe to arrive', async () => (await requestsOf(url)).healthProbes === 1);
    abort.abort();
    await expect(hanging).rejects.toThrow();
  });

  it('holds back the first byte', async () => {
    const url = await fakeModel({ firstByteMs: 200, tokens: 1 });
    const begin = performance.now();
    await post(`${url}/v1/chat/completions`, { ...chat, stream: true });
    expect(performance.now() - begin).toBeGreaterThanOrEqual(190);
  });

  it('closes an idle connection without having announced it', async () => {
    const url = await fakeModel({ closeIdleMs: 50 });
    const announced = await new Promise<unknown>((resolve, reject) => {
      const req = request(`${url}/health`, { headers: { connection: 'keep-alive' } }, (res) => {
        res.resume();
        res.socket.once('close', () => resolve(res.headers['keep-alive']));
      });
      req.on('error', reject).end();
    });
    expect(announced).toBeUndefined();
  });

  it('says which port is taken', async () => {
    const url = new URL(await fakeModel());
    await expect(fakeModel({ port: Number(url.port) })).rejects.toMatchObject({ code: 'port-in-use' });
  });
});
