/**
 * What a dialect is: how a request body is read and how an answer is written, whole or as a stream of events.
 * Must never keep state of its own: everything about an answer is in its run.
 */
import type { Ask, Json } from '../ask.ts';
import type { Run } from '../generation.ts';

export interface Dialect {
  read(body: Json): Ask;
  /** Text of the stream before the first token; empty = nothing. */
  open(run: Run): string;
  token(run: Run, token: string): string;
  close(run: Run): string;
  /** The answer that is not streamed. */
  whole(run: Run): Json;
  error(status: number, message: string): Json;
}

/** One event without a name, as OpenAI's chat has it. */
export function data(value: Json): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** One event whose name repeats the `type` of its data, as OpenAI's responses and Anthropic have it. */
export function named(value: Json & { type: string }): string {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';

/** The error body of llama.cpp and OpenAI. */
export function openAiError(status: number, message: string): Json {
  const type = status === 503 ? 'unavailable_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  return { error: { message, type, code: status } };
}

/** OpenAI's `usage`: the prompt includes what was cached. */
export function openAiUsage(run: Run): Json {
  return {
    prompt_tokens: run.ask.words.length,
    completion_tokens: run.done,
    total_tokens: run.ask.words.length + run.done,
    prompt_tokens_details: { cached_tokens: run.cached },
  };
}
