/**
 * Anthropic's messages. As llama.cpp does it, there are token counts but no `timings` in this dialect, and
 * `input_tokens` does not include what was cached.
 * Must never end a stream without `message_stop`: clients wait for it.
 */
import { askOf, type Json } from '../ask.ts';
import { type Run, textSoFar } from '../generation.ts';
import { type Dialect, named } from './dialect.ts';

function usage(run: Run): Json {
  return {
    input_tokens: run.ask.words.length - run.cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: run.cached,
    output_tokens: run.done,
  };
}

function message(run: Run, content: Json[], stopReason: string | null): Json & { type: string } {
  return {
    id: `msg_${run.id}`,
    type: 'message',
    role: 'assistant',
    model: run.model,
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: usage(run),
  };
}

function stopReason(run: Run): string {
  return run.finish === 'length' ? 'max_tokens' : 'end_turn';
}

export const messages: Dialect = {
  read: (body) => askOf(body, ['max_tokens'], ['system', 'messages']),
  open: (run) =>
    named({ type: 'message_start', message: message(run, [], null) }) +
    named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  token: (_run, token) => named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: token } }),
  close: (run) =>
    named({ type: 'content_block_stop', index: 0 }) +
    named({
      type: 'message_delta',
      delta: { stop_reason: stopReason(run), stop_sequence: null },
      usage: { output_tokens: run.done },
    }) +
    named({ type: 'message_stop' }),
  whole: (run) => message(run, [{ type: 'text', text: textSoFar(run) }], stopReason(run)),
  error: (status, text) => {
    const type = status === 529 ? 'overloaded_error' : status >= 500 ? 'api_error' : 'invalid_request_error';
    return { type: 'error', error: { type, message: text } };
  },
};
