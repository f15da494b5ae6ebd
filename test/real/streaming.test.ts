/** Real tokens through turnout: they come as they are made, and a client that leaves frees its slot. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { until } from '../support/until.ts';
import { startTurnout, type Turnout } from './turnout.ts';

const kit = inject('realModels');

/** Long enough that it cannot end by itself during a test: about 9 s of tokens. */
const long = {
  model: 'smollm2',
  messages: [{ role: 'user', content: 'Tell me a long story.' }],
  stream: true,
  max_tokens: 900,
  ignore_eos: true,
};

describe.skipIf(kit === null)('streams of real models', () => {
  let turnout: Turnout;

  beforeAll(async () => {
    if (kit !== null) turnout = await startTurnout(kit);
  });
  afterAll(async () => {
    await turnout?.stop();
    await turnout?.dispose();
  });

  async function busySlots(): Promise<number> {
    const response = await fetch(`${turnout.url}/upstream/smollm2/slots`);
    const slots = (await response.json()) as { is_processing: boolean }[];
    return slots.filter((slot) => slot.is_processing).length;
  }

  function ask(body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${turnout.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  it('come token by token, the first while the model is still at work', async () => {
    const response = await ask({ ...long, max_tokens: 60 });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const times: number[] = [];
    const reader = response.body!.getReader();
    await reader.read();
    expect(await busySlots()).toBe(1);
    for (let read = await reader.read(); !read.done; read = await reader.read()) times.push(performance.now());
    expect(new Set(times).size).toBeGreaterThan(5);
  });

  it('free their slot within a second when the client leaves', async () => {
    const abort = new AbortController();
    const response = await ask(long, abort.signal);
    await response.body!.getReader().read();
    expect(await busySlots()).toBe(1);
    abort.abort();
    await until('the slot to be free', async () => (await busySlots()) === 0, 1_000);
    const cancelled = await until('the event', async () => (await turnout.events('request.cancelled')).at(-1));
    expect(cancelled.data).toMatchObject({ stage: 'serving', status: 200 });
    expect(cancelled.data.bytes).toBeGreaterThan(0);
  });

  it('run side by side', async () => {
    const texts = await Promise.all(
      Array.from({ length: 4 }, async () => (await ask({ ...long, max_tokens: 20 })).text()),
    );
    for (const text of texts) expect(text.trimEnd()).toMatch(/data: \[DONE\]$/);
  });
});
