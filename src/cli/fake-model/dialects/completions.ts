/**
 * OpenAI's plain completions, with llama.cpp's `timings` in the last chunk that carries data.
 * Must never send `usage` in a stream that did not ask for it.
 */
import { askOf, type Json } from '../ask.ts';
import { type Run, textSoFar, timingsOf } from '../generation.ts';
import { type Dialect, DONE, data, openAiError, openAiUsage } from './dialect.ts';

function body(run: Run, choices: object[], rest: object = {}): Json {
  return { id: `cmpl-${run.id}`, object: 'text_completion', created: run.created, model: run.model, choices, ...rest };
}

function choice(text: string, finish: string | null): object {
  return { index: 0, text, logprobs: null, finish_reason: finish };
}

export const completions: Dialect = {
  read: (json) => askOf(json, ['max_tokens', 'n_predict'], ['prompt']),
  open: () => '',
  token: (run, token) => data(body(run, [choice(token, null)])),
  close(run) {
    const end = choice('', run.finish);
    const timings = timingsOf(run);
    if (!run.ask.includeUsage) return data(body(run, [end], { timings })) + DONE;
    return data(body(run, [end])) + data(body(run, [], { usage: openAiUsage(run), timings })) + DONE;
  },
  whole: (run) => body(run, [choice(textSoFar(run), run.finish)], { usage: openAiUsage(run), timings: timingsOf(run) }),
  error: openAiError,
};
