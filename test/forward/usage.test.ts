/** Token counts and speeds, from the answers that servers really give (spec 6.2). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Collector, collectPlain, collectStream } from '../../src/api/usage/collect.ts';
import { readUsage } from '../../src/api/usage/read-usage.ts';
import type { Usage } from '../../src/core/events.ts';
import { LIMITS } from '../../src/core/limits.ts';

function usageFrom(
  collector: Collector,
  chunks: Iterable<Buffer | string>,
  path = '/v1/chat/completions',
): Usage | null {
  for (const chunk of chunks) collector.add(Buffer.from(chunk));
  return readUsage(collector.evidence(), path);
}

const stream = (...chunks: (Buffer | string)[]) => usageFrom(collectStream(), chunks);
const plain = (body: string, path?: string) => usageFrom(collectPlain(), [body], path);

const OPENAI = [
  'data: {"choices":[{"delta":{"content":"Hé \\"usage\\": {"}}],"usage":null}\n\n',
  'data: {"choices":[{"delta":{"content":"llo"}}],"usage":null}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34,"prompt_tokens_details":{"cached_tokens":5}}}\n\n',
  'data: [DONE]\n\n',
];
const LLAMA = [
  'data: {"choices":[{"delta":{"content":"a"}}],"timings":{"prompt_n":1,"predicted_n":1}}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":7},"timings":{"cache_n":20,"prompt_n":10,"prompt_per_second":100.5,"predicted_n":7,"predicted_per_second":50.25,"draft_n":6,"draft_n_accepted":4}}\n\n',
  'data: [DONE]\n\n',
];
const ANTHROPIC = [
  'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":25,"cache_read_input_tokens":3,"output_tokens":1}}}\n\n',
  'event: ping\ndata: {"type":"ping"}\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"x"}}\n\n',
  'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":15}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
];
const RESPONSES = [
  'event: response.created\ndata: {"type":"response.created","response":{"usage":null}}\n\n',
  'event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":0},"output_tokens":4}}}\n\n',
];
const VLLM = [
  'data: {"choices":[],"usage": {"prompt_tokens": 110, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 10}}, "metrics": {"time_to_first_token_ms": 500, "mean_itl_ms": 20, "speculative_decoding": {"num_draft_tokens": 8, "num_accepted_draft_tokens": 3}}}\n\n',
  'data: [DONE]\n\n',
];

const STREAMS: [string, string[], Usage | null][] = [
  ['OpenAI', OPENAI, { inputTokens: 12, outputTokens: 34, cachedTokens: 5 }],
  [
    'llama.cpp, whose timings win',
    LLAMA,
    {
      inputTokens: 10,
      outputTokens: 7,
      cachedTokens: 20,
      promptPerSecond: 100.5,
      tokensPerSecond: 50.25,
      draftTokens: 6,
      draftAcceptedTokens: 4,
    },
  ],
  ['Anthropic, whose input comes first', ANTHROPIC, { inputTokens: 25, outputTokens: 15, cachedTokens: 3 }],
  ['Responses', RESPONSES, { inputTokens: 9, outputTokens: 4, cachedTokens: 0 }],
  [
    'vLLM with metrics',
    VLLM,
    {
      inputTokens: 110,
      outputTokens: 20,
      cachedTokens: 10,
      promptPerSecond: 200,
      tokensPerSecond: 50,
      draftTokens: 8,
      draftAcceptedTokens: 3,
    },
  ],
  ['a server that reports none', ['data: {"choices":[]}\n\n', 'data: [DONE]\n\n'], null],
  [
    'a stream without a last line end',
    ['data: {"a":1}\n\n', 'data: {"usage":{"prompt_tokens":1}}'],
    { inputTokens: 1 },
  ],
  [
    'broken lines',
    ['data: {"usage":{"prompt_tokens":1}\n\n', 'data: {"usage":{"prompt_tokens":2}}\n\n'],
    { inputTokens: 2 },
  ],
];

describe('usage of an event stream', () => {
  it.each(STREAMS)('is read from %s', (_what, chunks, usage) => {
    expect(stream(...chunks)).toEqual(usage);
  });

  it.each(STREAMS)('is the same wherever the stream of %s is split', (_what, chunks, usage) => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(chunks.join('').replaceAll('\n', lineEnd));
      for (let at = 0; at <= bytes.length; at++) {
        expect(stream(bytes.subarray(0, at), bytes.subarray(at))).toEqual(usage);
      }
      expect(
        usageFrom(
          collectStream(),
          Array.from(bytes, (byte) => Buffer.of(byte)),
        ),
      ).toEqual(usage);
    }
  });

  it('is the same for any pieces of any stream', () => {
    const events = fc.array(fc.constantFrom(...OPENAI, ...LLAMA, ...ANTHROPIC, ...RESPONSES, ...VLLM), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(events, fc.array(fc.nat(4000), { maxLength: 10 }), (chunks, cuts) => {
        const bytes = Buffer.from(chunks.join(''));
        const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length])].sort(
          (a, b) => a - b,
        );
        const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        expect(stream(...pieces)).toEqual(stream(...chunks));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps only the chunks with a hit', () => {
    const collector = collectStream();
    const chunks = [...ANTHROPIC, 'data: x\n\n'].map((chunk) => Buffer.from(chunk));
    for (const chunk of chunks) collector.add(chunk);
    expect(collector.evidence()).toEqual({ kind: 'stream', first: chunks[0], lastUsage: chunks[3], lastTimings: null });
  });

  it('skips a line that is longer than its bound, and goes on behind it', () => {
    const collector = collectStream(100);
    const long = Buffer.from(`data: {"usage":{"prompt_tokens":1},"x":"${'y'.repeat(50)}`);
    const chunks = [long, 'y'.repeat(60), `"}\ndata: {"usage":{"prompt_tokens":2}}\n`, 'data: {"a":1}\n\n'];
    expect(usageFrom(collector, chunks)).toEqual({ inputTokens: 2 });
  });

  it('ignores negative numbers, strings and lists', () => {
    expect(
      stream('data: {"usage":{"prompt_tokens":-1,"completion_tokens":"7"},"timings":{"prompt_n":-1}}\n'),
    ).toBeNull();
    expect(stream('data: {"usage":[1],"timings":{"draft_n":3}}\n')).toBeNull();
  });
});

describe('usage of a plain answer', () => {
  it.each<[string, string, string | undefined, Usage | null]>([
    [
      'a chat completion',
      '{"usage":{"prompt_tokens":1,"completion_tokens":2}}',
      undefined,
      { inputTokens: 1, outputTokens: 2 },
    ],
    ['a message', '{"usage":{"input_tokens":1,"output_tokens":2}}', undefined, { inputTokens: 1, outputTokens: 2 }],
    ['embeddings', '{"usage":{"prompt_tokens":8,"total_tokens":8}}', undefined, { inputTokens: 8 }],
    ['an infill', '[{"timings":{"prompt_n":1}},{"timings":{"prompt_n":2}}]', '/infill', { inputTokens: 2 }],
    ['a list elsewhere', '[{"timings":{"prompt_n":1}}]', '/other', null],
    ['an inner usage', '{"data":{"usage":{"prompt_tokens":1}}}', undefined, null],
    ['no JSON', 'hello', undefined, null],
    ['nothing', '', undefined, null],
  ])('is read from %s', (_what, body, path, usage) => {
    expect(plain(body, path)).toEqual(usage);
  });

  it('is found at the end of an answer of any size, within the bound', () => {
    const vectors = `"embedding":[${'0.123456,'.repeat(10_000)}1]`;
    const end = ',"model":"m","usage":{"prompt_tokens":8,"note":"}\\"{","total_tokens":8},"timings": {"prompt_n": 9}}';
    for (const repeats of [4, 40]) {
      const collector = collectPlain();
      const chunks = [...Array.from({ length: repeats }, () => `{${vectors}}`), end];
      expect(usageFrom(collector, chunks)).toEqual({ inputTokens: 9 });
      const evidence = collector.evidence();
      const kept = evidence.kind === 'plain' ? evidence.chunks.reduce((sum, chunk) => sum + chunk.length, 0) : 0;
      expect(kept).toBeLessThanOrEqual(LIMITS.usageTailBytesMax);
    }
  });

  it('is the same wherever the answer is split', () => {
    const bytes = Buffer.from('{"id":"ü","usage":{"prompt_tokens":1,"completion_tokens":2},"timings":{"cache_n":4}}');
    for (let at = 0; at <= bytes.length; at++) {
      expect(usageFrom(collectPlain(), [bytes.subarray(0, at), bytes.subarray(at)])).toEqual({
        inputTokens: 1,
        outputTokens: 2,
        cachedTokens: 4,
      });
    }
  });
});
