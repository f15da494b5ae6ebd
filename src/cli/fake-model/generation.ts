/**
 * One generation: the deterministic text, its pace, and the figures that llama.cpp reports about it.
 * Must never go on for a client that left, and never emit faster than the client reads.
 */
import type { Ask } from './ask.ts';
import type { FakeModelOptions } from './options.ts';
import type { Slot } from './slots.ts';

/** llama.cpp's `timings`; `prompt_n` does not include the cached part. */
export interface Timings {
  cache_n: number;
  prompt_n: number;
  prompt_ms: number;
  prompt_per_token_ms: number;
  prompt_per_second: number;
  predicted_n: number;
  predicted_ms: number;
  predicted_per_token_ms: number;
  predicted_per_second: number;
}

export interface Run {
  /** Random part of every id in the answer. */
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
  ask: Ask;
  slot: Slot;
  cached: number;
  /** The whole answer, known from the start; `done` of its tokens have been generated. */
  tokens: readonly string[];
  done: number;
  finish: 'stop' | 'length';
  promptMs: number;
  predictedMs: number;
  /** Events written so far, for the dialect that numbers them. */
  sequence: number;
}

const FILLER = 'one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** `count` tokens that begin with the name of the model and the length of the prompt; the same for the same arguments. */
function tokensOf(model: string, words: number, count: number): string[] {
  const intro = [model, ' read', ` ${words}`, words === 1 ? ' word' : ' words', ' and', ' counts', ':'];
  return Array.from({ length: count }, (_, i) => {
    return intro[i] ?? ` ${FILLER[(i - intro.length) % FILLER.length]}`;
  });
}

export function newRun(options: FakeModelOptions, ask: Ask, slot: Slot, cached: number, id: string): Run {
  const count = Math.min(options.tokens, ask.limit ?? options.tokens);
  return {
    id,
    created: Math.floor(Date.now() / 1_000),
    model: options.model,
    ask,
    slot,
    cached,
    tokens: tokensOf(options.model, ask.words.length, count),
    done: 0,
    finish: count < options.tokens ? 'length' : 'stop',
    promptMs: 0,
    predictedMs: 0,
    sequence: 0,
  };
}

/** Resolves after `ms`, or when the client leaves. */
export function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      gone.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    gone.addEventListener('abort', end);
  });
}

/** Reads the prompt: takes the time that the words which are not cached need. */
export async function readPrompt(run: Run, perSecond: number, gone: AbortSignal): Promise<void> {
  const begin = performance.now();
  const fresh = run.ask.words.length - run.cached;
  if (perSecond > 0 && fresh > 0) await pause((fresh * 1_000) / perSecond, gone);
  run.promptMs = performance.now() - begin;
}

/**
 * Generates the tokens at their pace. `emit` is called for each; a promise from it is waited for (backpressure).
 * Resolves when all are out or the client left.
 */
export async function generate(
  run: Run,
  perSecond: number,
  gone: AbortSignal,
  emit: (token: string) => Promise<void> | undefined,
): Promise<void> {
  const begin = performance.now();
  run.slot.remaining = run.tokens.length;
  for (const token of run.tokens) {
    const due = perSecond > 0 ? begin + ((run.done + 1) * 1_000) / perSecond : 0;
    const early = due - performance.now();
    if (early > 0) await pause(early, gone);
    // Without a pace the loop must still let a client's leaving be noticed.
    else if (run.done % 64 === 63) await new Promise<void>((resolve) => setImmediate(resolve));
    if (gone.aborted) break;
    run.done++;
    run.slot.decoded = run.done;
    run.slot.remaining = run.tokens.length - run.done;
    const blocked = emit(token);
    if (blocked !== undefined) await blocked;
  }
  run.predictedMs = performance.now() - begin;
}

export function textSoFar(run: Run): string {
  return run.tokens.slice(0, run.done).join('');
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

export function timingsOf(run: Run): Timings {
  const promptN = run.ask.words.length - run.cached;
  // A measured time of nought would make the speed infinite, which JSON cannot say.
  const promptMs = Math.max(run.promptMs, 0.001);
  const predictedMs = Math.max(run.predictedMs, 0.001);
  return {
    cache_n: run.cached,
    prompt_n: promptN,
    prompt_ms: rounded(promptMs),
    prompt_per_token_ms: rounded(promptMs / Math.max(1, promptN)),
    prompt_per_second: rounded((promptN * 1_000) / promptMs),
    predicted_n: run.done,
    predicted_ms: rounded(predictedMs),
    predicted_per_token_ms: rounded(predictedMs / Math.max(1, run.done)),
    predicted_per_second: rounded((run.done * 1_000) / predictedMs),
  };
}
