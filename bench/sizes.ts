/**
 * What is sent in every comparison: a chat request of about 900 bytes and an answer of about 450.
 * Must never differ between subjects.
 */

const QUESTION = 'Explain in a few sentences why the sky is blue and the sunset red. '.repeat(11).trim();

function body(stream: boolean): string {
  return JSON.stringify({
    model: 'bench',
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content: QUESTION },
    ],
    temperature: 0.7,
    stream,
  });
}

export const REQUEST = body(false);
export const STREAM_REQUEST = body(true);

export const ANSWER = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'bench',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Air scatters blue light more than red light. '.repeat(4).trim() },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 180, completion_tokens: 32, total_tokens: 212 },
});

export const PATH = '/v1/chat/completions';
export const CHUNKS_PER_SECOND = 20;
