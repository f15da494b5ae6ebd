/**
 * llama.cpp's own completion and infill. The stream has no names and no `[DONE]`: its last event says `stop: true`.
 * Must never repeat the text in the last event of a stream.
 */
import { askOf, type Json } from '../ask.ts';
import { type Run, textSoFar, timingsOf } from '../generation.ts';
import { type Dialect, data, openAiError } from './dialect.ts';

function last(run: Run, content: string): Json {
  return {
    index: 0,
    content,
    tokens: [],
    id_slot: run.slot.id,
    stop: true,
    model: run.model,
    tokens_predicted: run.done,
    tokens_evaluated: run.ask.words.length,
    has_new_line: false,
    truncated: false,
    stop_type: run.finish === 'length' ? 'limit' : 'eos',
    stopping_word: '',
    tokens_cached: run.ask.words.length + run.done,
    timings: timingsOf(run),
  };
}

function dialect(prompts: string[]): Dialect {
  return {
    read: (body) => askOf(body, ['n_predict', 'max_tokens'], prompts),
    open: () => '',
    token: (run, token) =>
      data({
        index: 0,
        content: token,
        tokens: [run.done],
        stop: false,
        id_slot: run.slot.id,
        tokens_predicted: run.done,
        tokens_evaluated: run.ask.words.length,
      }),
    close: (run) => data(last(run, '')),
    whole: (run) => last(run, textSoFar(run)),
    error: openAiError,
  };
}

export const completion = dialect(['prompt']);
export const infill = dialect(['input_prefix', 'prompt', 'input_suffix']);
