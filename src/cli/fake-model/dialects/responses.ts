/**
 * OpenAI's responses: named, numbered events from `response.created` to `response.completed`, which carries the usage;
 * `timings` stand beside the response, as llama.cpp has them. There is no `[DONE]` in this dialect.
 * Must never skip a number: clients order the events by it.
 */
import { askOf, type Json } from '../ask.ts';
import { type Run, textSoFar, timingsOf } from '../generation.ts';
import { type Dialect, named, openAiError } from './dialect.ts';

function part(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function item(run: Run, status: string, content: Json[]): Json {
  return { id: `msg_${run.id}`, type: 'message', role: 'assistant', status, content };
}

function response(run: Run, status: 'in_progress' | 'completed', output: Json[]): Json {
  const ended = status === 'completed';
  return {
    id: `resp_${run.id}`,
    object: 'response',
    created_at: run.created,
    completed_at: ended ? Math.floor(Date.now() / 1_000) : null,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: run.ask.limit,
    model: run.model,
    output,
    parallel_tool_calls: true,
    metadata: {},
    tool_choice: 'auto',
    tools: [],
    usage: ended
      ? {
          input_tokens: run.ask.words.length,
          input_tokens_details: { cached_tokens: run.cached },
          output_tokens: run.done,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: run.ask.words.length + run.done,
        }
      : null,
  };
}

function event(run: Run, type: string, rest: Json): string {
  return named({ type, sequence_number: run.sequence++, ...rest });
}

/** Where in the response an event about the text belongs. */
function place(run: Run): Json {
  return { item_id: `msg_${run.id}`, output_index: 0, content_index: 0 };
}

/** `completed` even when the limit cut the answer: llama.cpp knows no `incomplete`. */
function completed(run: Run): Json {
  return response(run, 'completed', [item(run, 'completed', [part(textSoFar(run))])]);
}

export const responses: Dialect = {
  read: (body) => askOf(body, ['max_output_tokens', 'n_predict'], ['instructions', 'input']),
  open: (run) =>
    event(run, 'response.created', { response: response(run, 'in_progress', []) }) +
    event(run, 'response.in_progress', { response: response(run, 'in_progress', []) }) +
    event(run, 'response.output_item.added', { output_index: 0, item: item(run, 'in_progress', []) }) +
    event(run, 'response.content_part.added', { ...place(run), part: part('') }),
  token: (run, token) => event(run, 'response.output_text.delta', { ...place(run), delta: token, logprobs: [] }),
  close(run) {
    const text = textSoFar(run);
    return (
      event(run, 'response.output_text.done', { ...place(run), text, logprobs: [] }) +
      event(run, 'response.content_part.done', { ...place(run), part: part(text) }) +
      event(run, 'response.output_item.done', {
        output_index: 0,
        item: item(run, 'completed', [part(text)]),
      }) +
      event(run, 'response.completed', { response: completed(run), timings: timingsOf(run) })
    );
  },
  whole: (run) => ({ ...completed(run), timings: timingsOf(run) }),
  error: openAiError,
};
