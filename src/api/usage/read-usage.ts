/**
 * Turns what was kept of an answer into token counts (spec 6.2), once, when the answer has ended. Of an event stream
 * the first line with usage (Anthropic sends the input there) and the last lines with usage and timings count.
 * Must never throw: what cannot be read was not reported.
 */
import type { Usage } from '../../core/events.ts';
import { LIMITS } from '../../core/limits.ts';
import { skipValue } from '../body/scan-json.ts';
import { type Evidence, objectAfter } from './collect.ts';
import { type Findings, findingsOf, usageOf } from './fields.ts';

/** `path` is the forwarded path, without its query: `/infill` answers with an array. Null when nothing was reported. */
export function readUsage(evidence: Evidence, path: string): Usage | null {
  return evidence.kind === 'stream' ? fromStream(evidence) : fromPlain(evidence, path);
}

function fromStream(evidence: Extract<Evidence, { kind: 'stream' }>): Usage | null {
  const hasUsage = (found: Findings) => found.usages.length > 0;
  const first = evidence.first === null ? null : linesOf(evidence.first).find(hasUsage);
  const last = evidence.lastUsage === null ? null : linesOf(evidence.lastUsage).findLast(hasUsage);
  const timed =
    evidence.lastTimings === null ? null : linesOf(evidence.lastTimings).findLast((found) => found.timings !== null);
  // usage counts in the order first, last; of the timed line only its timings and metrics
  const timedOnly = timed && { ...timed, usages: [] };
  return usageOf([first, last, timedOnly].filter((found) => found !== null && found !== undefined));
}

/** What each `data:` line says; lines that are no JSON say nothing. */
function linesOf(lines: Buffer): Findings[] {
  const found: Findings[] = [];
  for (const line of lines.toString('utf8').split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue;
    const document = parsed(line.slice(5));
    if (document !== undefined) found.push(findingsOf(document));
  }
  return found;
}

function fromPlain(evidence: Extract<Evidence, { kind: 'plain' }>, path: string): Usage | null {
  const bytes = evidence.chunks.length === 1 ? evidence.chunks[0]! : Buffer.concat(evidence.chunks);
  if (!evidence.whole || bytes.length > LIMITS.jsonParseBytesMax) return usageOf([fromTail(bytes)]);
  const document = parsed(bytes.toString('utf8'));
  const last: unknown = Array.isArray(document) ? document.at(-1) : null;
  if (last !== null) return path.startsWith('/infill') ? usageOf([{ ...findingsOf(last), usages: [] }]) : null;
  return usageOf([findingsOf(document)]);
}

/**
 * Large answers (embeddings, images) are not parsed: the last object behind each name is taken, wherever it stands.
 * In every known answer of that size it stands at the end.
 */
function fromTail(bytes: Buffer): Findings {
  const usage = lastObject(bytes, '"usage"');
  const timings = lastObject(bytes, '"timings"');
  const metrics = lastObject(bytes, '"metrics"');
  return findingsOf({ usage, timings, metrics });
}

function lastObject(bytes: Buffer, name: string): unknown {
  for (let at = bytes.lastIndexOf(name); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(name, at - 1)) {
    const start = objectAfter(bytes, at + name.length);
    const end = start < 0 ? -1 : skipValue(bytes, start);
    if (end > 0) return parsed(bytes.toString('utf8', start, end));
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // not JSON: an ordinary case (audio, images, "[DONE]")
  }
}
