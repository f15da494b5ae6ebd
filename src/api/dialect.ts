/**
 * Which API a path belongs to, and how that API says inside an event stream that something went wrong. A client whose
 * stream is merely cut sees "terminated"; with the event of its own dialect its SDK raises an error with our message.
 * Must never be used before the head of an answer was sent: there the plain error body has its place.
 */

/** `other` = no SDK is known; it gets OpenAI's shape without promise. */
export type Dialect = 'openai' | 'responses' | 'anthropic' | 'other';

const DIALECTS: Record<string, Dialect> = {
  responses: 'responses',
  messages: 'anthropic',
  'messages/count_tokens': 'anthropic',
  'chat/completions': 'openai',
  completions: 'openai',
  embeddings: 'openai',
  'audio/speech': 'openai',
  'audio/transcriptions': 'openai',
  'images/generations': 'openai',
  'images/edits': 'openai',
};

/** Of the path that is forwarded or asked for, with or without `/v1` or `/v`; a query is ignored. */
export function dialectOf(path: string): Dialect {
  const name = /^\/(?:v1\/|v\/)?([^?]*)/.exec(path)?.[1] ?? '';
  return Object.hasOwn(DIALECTS, name) ? DIALECTS[name]! : 'other';
}

export interface StreamError {
  message: string;
  /** E.g. `server_error` (spec 3.1). */
  type: string;
  code: string;
}

/**
 * The bytes of an error event. They begin with a line end, so that a stream that stopped behind a complete line is
 * continued correctly; in the middle of a line nothing can be appended.
 */
export function errorEvent(dialect: Dialect, error: StreamError): Buffer {
  const { message, type, code } = error;
  switch (dialect) {
    case 'anthropic':
      return event('error', { type: 'error', error: { type: anthropicType(type), message } });
    case 'responses':
      return event('error', {
        type: 'error',
        code,
        message,
        param: null,
        sequence_number: 0,
        error: { message, type, param: null, code },
      });
    case 'openai':
    case 'other':
      return event(null, { error: { message, type, param: null, code } });
  }
}

function event(name: string | null, data: unknown): Buffer {
  return Buffer.from(`\n${name === null ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`, 'utf8');
}

/** Anthropic's clients know their own names. */
function anthropicType(type: string): string {
  return type === 'server_error' ? 'api_error' : type;
}
