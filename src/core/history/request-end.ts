/**
 * How a request ended, in sentences: served, refused, left, lost; and where its model died under it, how that ended. Pure
 * over events.
 */
import type { EventOf, RequestKind, Usage } from '../events.ts';
import { STOPPED_FOR } from './cause-words.ts';
import { type EventIndex, type ExplainOptions, exitWords } from './explanation.ts';
import { count, formatBytes, formatClock, formatDuration } from './format.ts';
import type { RequestFacts, Terminal } from './request-facts.ts';

/** What became of it, and of the run that died under it or did not come to serve it. */
export function endSentences(
  index: EventIndex,
  facts: RequestFacts,
  ended: Terminal,
  kind: RequestKind,
  options: ExplainOptions,
): string[] {
  const lines = failedStartLines(index, facts, ended);
  return [endSentence(ended, kind, lines.length > 0, options), ...deathSentences(index, facts, ended), ...lines];
}

/** `hasOutput`: the output of the model follows, so that the reason need not quote it. */
function endSentence(ended: Terminal, kind: RequestKind, hasOutput: boolean, options: ExplainOptions): string {
  const at = formatClock(ended.at, options);
  switch (ended.type) {
    case 'request.finished':
      return kind === 'idle' ? `it was loaded at ${at}` : finishedSentence(ended, at);
    case 'request.rejected': {
      const { status, code, reason, retryAfterSec } = ended.data;
      const again = retryAfterSec === null ? '' : `; the client was told to come back after ${retryAfterSec} s`;
      const why = hasOutput ? withoutOutput(reason) : reason;
      return `it was refused at ${at} with status ${status} (${code}): ${why}${again}`;
    }
    case 'request.cancelled': {
      const { stage, bytes } = ended.data;
      if (kind === 'idle') return `it was given up at ${at}, because a client asked for something else`;
      const got = stage === 'serving' ? `, after ${formatBytes(bytes)} of the answer` : '';
      return `the client left at ${at} while it was ${stage === 'waiting' ? 'waiting' : 'being served'}${got}`;
    }
    case 'request.lost':
      return `turnout died while it was ${ended.data.stage === 'waiting' ? 'waiting' : 'being served'}; the next start found that out at ${at}`;
  }
}

function finishedSentence(ended: EventOf<'request.finished'>, at: string): string {
  const { outcome, status, bytes, firstByteMs, usage, error } = ended.data;
  if (outcome !== 'ok') {
    return `it failed at ${at}: ${FAILED[outcome]}${error === null ? '' : ` (${error})`}, after ${formatBytes(bytes)}`;
  }
  const parts = [`status ${status}`, formatBytes(bytes)];
  if (firstByteMs !== null) parts.push(`first byte after ${formatDuration(firstByteMs)}`);
  return `it finished at ${at}: ${[...parts, ...usageWords(usage)].join(', ')}`;
}

const FAILED: Record<Exclude<EventOf<'request.finished'>['data']['outcome'], 'ok'>, string> = {
  cut: 'the model broke off its answer',
  'no-answer': 'the model gave no answer',
  timeout: 'the model did not answer in time',
};

function usageWords(usage: Usage | null): string[] {
  if (usage === null) return [];
  const words: string[] = [];
  const cached = usage.cachedTokens !== undefined && usage.cachedTokens > 0 ? ` (${usage.cachedTokens} cached)` : '';
  if (usage.inputTokens !== undefined) words.push(`${count(usage.inputTokens, 'token')} in${cached}`);
  if (usage.outputTokens !== undefined) words.push(`${count(usage.outputTokens, 'token')} out`);
  if (usage.promptPerSecond !== undefined) words.push(`prompt at ${usage.promptPerSecond.toFixed(1)} tokens/s`);
  if (usage.tokensPerSecond !== undefined) words.push(`answer at ${usage.tokensPerSecond.toFixed(1)} tokens/s`);
  return words;
}

/** Reasons of failed starts end with the last lines of output, for clients who see nothing else. */
export const withoutOutput = (reason: string): string => reason.replace(/; last output: [^;]*$/, '');

/** A run that broke off under a request: how it ended, which is why. */
function deathSentences(index: EventIndex, { run, model }: RequestFacts, ended: Terminal): string[] {
  if (run === null || ended.type !== 'request.finished' || ended.data.outcome === 'ok') return [];
  const exited = index.of('process.exited').find((event) => event.data.run === run);
  if (exited === undefined) return [];
  const name = exited.model ?? model;
  const stopping = index.of('process.stopping').find((event) => event.data.run === run);
  if (stopping !== undefined) return [`run ${run} of ${name} was stopped then ${STOPPED_FOR[stopping.data.reason]}`];
  return [`run ${run} of ${name} ${exitWords(exited)}; what it printed: turnout logs ${name} --run ${run}`];
}

/** The last words of a run that failed to start, where that is what the request died of. */
function failedStartLines(index: EventIndex, facts: RequestFacts, ended: Terminal | null): string[] {
  if (ended?.type !== 'request.rejected') return [];
  const failed = index
    .of('process.exited')
    .filter((event) => event.model === facts.model && event.position < ended.position && event.data.tail.length > 0)
    .at(-1);
  if (failed === undefined || index.of('process.ready').some((ready) => ready.data.run === failed.data.run)) return [];
  return ['the last output of the model:', ...failed.data.tail.map((line) => `  ${line}`)];
}
