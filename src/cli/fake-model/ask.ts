/**
 * Reads what a request body asks for, whatever its dialect: the words of the prompt, the limit, streaming.
 * Must never throw on odd bodies: servers take a lot, and so does the fake.
 */

export type Json = Record<string, unknown>;

export interface Ask {
  /** Words of the whole prompt; a token of the fake is a word. */
  words: readonly string[];
  /** The request's own limit on tokens; null = none. */
  limit: number | null;
  stream: boolean;
  /** OpenAI's `stream_options.include_usage`. */
  includeUsage: boolean;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All text in a message content, prompt or input, in order. Numbers in arrays are tokens: each counts as a word. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  if (!isObject(value)) return '';
  if (typeof value['text'] === 'string') return value['text'];
  if (value['content'] !== undefined) return textOf(value['content']);
  return '';
}

export function wordsOf(...values: unknown[]): string[] {
  return values
    .map(textOf)
    .join(' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

function limitOf(body: Json, keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = body[key];
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return Math.floor(value);
  }
  return null;
}

/** `limitKeys` in order of preference; `prompts` are the body fields that make up the prompt. */
export function askOf(body: Json, limitKeys: readonly string[], prompts: readonly string[]): Ask {
  const streamOptions = body['stream_options'];
  return {
    words: wordsOf(...prompts.map((key) => body[key])),
    limit: limitOf(body, limitKeys),
    stream: body['stream'] === true,
    includeUsage: isObject(streamOptions) && streamOptions['include_usage'] === true,
  };
}
