/**
 * The table of spec 6.2: which field of which server's answer says how many tokens went in and out, and how fast.
 * llama.cpp's `timings` win over `usage`; vLLM's `metrics` give rates and drafts. What was not reported stays absent.
 * Must never invent a number.
 */
import type { Usage } from '../../core/events.ts';

type Fields = Record<string, unknown>;

/** What one JSON document of an answer says. */
export interface Findings {
  /** In the order in which they count: later positive values replace earlier ones. */
  usages: Fields[];
  timings: Fields | null;
  metrics: Fields | null;
}

/** The places of spec 6.2 in one parsed document. */
export function findingsOf(document: unknown): Findings {
  const top = asFields(document);
  const usages: Fields[] = [];
  for (const holder of [top, asFields(top?.['response']), asFields(top?.['message'])]) {
    const usage = asFields(holder?.['usage']);
    if (usage !== null) usages.push(usage);
  }
  return { usages, timings: asFields(top?.['timings']), metrics: asFields(top?.['metrics']) };
}

/** Null when nothing was reported. */
export function usageOf(findings: readonly Findings[]): Usage | null {
  const usage: Usage = {};
  for (const { usages } of findings) for (const fields of usages) addUsage(usage, fields);
  const timings = findings.findLast((found) => found.timings !== null)?.timings ?? null;
  if (timings !== null) addTimings(usage, timings);
  const metrics = findings.findLast((found) => found.metrics !== null)?.metrics ?? null;
  if (metrics !== null) addMetrics(usage, metrics);
  return Object.keys(usage).length === 0 ? null : usage;
}

function addUsage(usage: Usage, fields: Fields): void {
  const input = count(fields['prompt_tokens']) ?? count(fields['input_tokens']);
  const output = count(fields['completion_tokens']) ?? count(fields['output_tokens']);
  const cached =
    count(fields['cache_read_input_tokens']) ??
    count(asFields(fields['input_tokens_details'])?.['cached_tokens']) ??
    count(asFields(fields['prompt_tokens_details'])?.['cached_tokens']);
  if (input !== null && (input > 0 || usage.inputTokens === undefined)) usage.inputTokens = input;
  if (output !== null && (output > 0 || usage.outputTokens === undefined)) usage.outputTokens = output;
  if (cached !== null) usage.cachedTokens = cached;
}

function addTimings(usage: Usage, fields: Fields): void {
  const input = count(fields['prompt_n']);
  const output = count(fields['predicted_n']);
  const cached = count(fields['cache_n']);
  const promptPerSecond = count(fields['prompt_per_second']);
  const tokensPerSecond = count(fields['predicted_per_second']);
  if (input !== null) usage.inputTokens = input;
  if (output !== null) usage.outputTokens = output;
  if (cached !== null) usage.cachedTokens = cached;
  if (promptPerSecond !== null) usage.promptPerSecond = promptPerSecond;
  if (tokensPerSecond !== null) usage.tokensPerSecond = tokensPerSecond;
  addDrafts(usage, fields['draft_n'], fields['draft_n_accepted']);
}

function addMetrics(usage: Usage, fields: Fields): void {
  const firstTokenMs = count(fields['time_to_first_token_ms']) ?? 0;
  const betweenMs = count(fields['mean_itl_ms']) ?? 0;
  const prompt = (usage.inputTokens ?? 0) - (usage.cachedTokens ?? 0);
  if (firstTokenMs > 0 && prompt > 0) usage.promptPerSecond = prompt / (firstTokenMs / 1000);
  if (betweenMs > 0) usage.tokensPerSecond = 1000 / betweenMs;
  const drafts = asFields(fields['speculative_decoding']);
  addDrafts(usage, drafts?.['num_draft_tokens'], drafts?.['num_accepted_draft_tokens']);
}

/** Only both together mean something. */
function addDrafts(usage: Usage, drafted: unknown, accepted: unknown): void {
  const draft = count(drafted);
  const taken = count(accepted);
  if (draft === null || taken === null) return;
  usage.draftTokens = draft;
  usage.draftAcceptedTokens = taken;
}

/** A finite number that is not negative (llama.cpp sends -1 for "unknown"), else null. */
function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

function asFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}
