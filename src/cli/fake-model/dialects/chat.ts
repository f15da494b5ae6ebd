/**
 * OpenAI's chat completions, with llama.cpp's `timings` in the last chunk that carries data.
 * Must never send `usage` in a stream that did not ask for it.
 */
import { askOf } from '../ask.ts';
import { type Run, textSoFar, timingsOf } from '../generation.ts';
import { type Dialect, DONE, data, openAiError, openAiUsage } from './dialect.ts';

function chunk(run: Run, choices: object[], rest: object = {}): string {
  return data({
    id: `chatcmpl-${run.id}`,
    object: 'chat.completion.chunk',
    created: run.created,
    model: run.model,
    choices,
    ...rest,
  });
}

function choice(delta: object, finish: string | null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finish };
}

export const chat: Dialect = {
  read: (body) => askOf(body, ['max_completion_tokens', 'max_tokens', 'n_predict'], ['messages']),
  open: (run) => chunk(run, [choice({ role: 'assistant', content: null }, null)]),
  token: (run, token) => chunk(run, [choice({ content: token }, null)]),
  close(run) {
    const end = choice({}, run.finish);
    const timings = timingsOf(run);
    if (!run.ask.includeUsage) return chunk(run, [end], { timings }) + DONE;
    return chunk(run, [end]) + chunk(run, [], { usage: openAiUsage(run), timings }) + DONE;
  },
  whole: (run) => ({
    id: `chatcmpl-${run.id}`,
    object: 'chat.completion',
    created: run.created,
    model: run.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: textSoFar(run), refusal: null },
        logprobs: null,
        finish_reason: run.finish,
      },
    ],
    usage: openAiUsage(run),
    timings: timingsOf(run),
  }),
  error: openAiError,
};
