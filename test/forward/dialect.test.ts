/** The real SDKs, when a stream breaks under them: each must raise an error with our words. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { type Dialect, dialectOf, errorEvent } from '../../src/api/dialect.ts';
import { httpUpstream, rawUpstream, relayFront } from './servers.ts';

const ERROR = { message: 'the upstream broke', type: 'server_error', code: 'upstream-cut' };

describe('dialectOf()', () => {
  it.each<[string, Dialect]>([
    ['/v1/chat/completions', 'openai'],
    ['/v/chat/completions', 'openai'],
    ['/chat/completions?a=/v1/messages', 'openai'],
    ['/v1/completions', 'openai'],
    ['/v1/responses', 'responses'],
    ['/v/responses', 'responses'],
    ['/v1/messages', 'anthropic'],
    ['/messages?beta=true', 'anthropic'],
    ['/v1/messages/count_tokens', 'anthropic'],
    ['/completion', 'other'],
    ['/infill', 'other'],
    ['/v1/toString', 'other'],
    ['', 'other'],
  ])('knows that %s speaks %s', (path, dialect) => {
    expect(dialectOf(path)).toBe(dialect);
  });
});

/** Sends some events of a stream, then an error in the dialect of the path. */
async function breakingServer(events: string): Promise<string> {
  const { url } = await httpUpstream((req, res) => {
    req.resume();
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(events);
    res.end(errorEvent(dialectOf(req.url ?? ''), ERROR));
  });
  return url;
}

async function drain(events: AsyncIterable<unknown>): Promise<number> {
  let seen = 0;
  try {
    for await (const _event of events) seen++;
  } catch (error) {
    throw Object.assign(error as Error, { seen });
  }
  return seen;
}

const openai = (url: string) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
const anthropic = (url: string) => new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });

const CHUNK = 'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
const CHAT = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };

describe('errorEvent()', () => {
  it.each([CHUNK, CHUNK.slice(0, -1)])('raises an APIError in a chat of the OpenAI client', async (events) => {
    const client = openai(await breakingServer(events));
    const failure = await drain(await client.chat.completions.create({ ...CHAT, stream: true })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ message: ERROR.message, type: ERROR.type, code: ERROR.code, seen: 1 });
  });

  it('raises an APIError in a response of the OpenAI client', async () => {
    const events =
      'event: response.created\ndata: {"type":"response.created","response":{"id":"r"},"sequence_number":0}\n\n';
    const client = openai(await breakingServer(events));
    const failure = await drain(await client.responses.create({ model: 'm', input: 'x', stream: true })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ message: ERROR.message, code: ERROR.code, seen: 1 });
  });

  it('raises an APIError in a message of the Anthropic client', async () => {
    const events = 'event: ping\ndata: {"type":"ping"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
    const client = anthropic(await breakingServer(events));
    const failure = await drain(await client.messages.create({ ...CHAT, max_tokens: 9, stream: true })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Anthropic.APIError);
    expect(failure).toMatchObject({ type: 'api_error', seen: 1 });
    expect((failure as Error).message).toContain(ERROR.message);
  });
});

describe('a stream that breaks behind the relay', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  const piece = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

  it('raises an APIError with the reason in the OpenAI client', async () => {
    const upstream = await rawUpstream((socket) => socket.write(head + piece(CHUNK), () => socket.resetAndDestroy()));
    const front = await relayFront(upstream);
    const failure = await drain(await openai(front.url).chat.completions.create({ ...CHAT, stream: true })).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect((failure as Error).message).toMatch(
      /^relay the answer of "http:\/\/127\.0\.0\.1:\d+": expected it to its end, got /,
    );
  });

  it('fails in the OpenAI client when it breaks in the middle of an event', async () => {
    const upstream = await rawUpstream((socket) => socket.end(head + piece(CHUNK) + piece(CHUNK.slice(0, 20))));
    const front = await relayFront(upstream);
    await expect(drain(await openai(front.url).chat.completions.create({ ...CHAT, stream: true }))).rejects.toThrow();
  });
});
