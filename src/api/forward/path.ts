/**
 * What may stand in a request target that is passed on byte for byte, and which part of `/upstream/<model>/...` names
 * the model (spec 3.8). The decision is made on the same bytes that are forwarded, so that no upstream can read a path
 * in a way that turnout did not judge.
 * Must never decode or normalise what is forwarded.
 */
import type { ModelId } from '../../core/ids.ts';

/** Names of models have few slashes; a longer run of segments is never tried. */
const NAME_SEGMENTS_MAX = 16;

/** What every fault needs at least one of; most paths have none, and are not taken apart. */
const SUSPECT = /[.%\\\0]|\/\//;

/**
 * Why this request target must not be passed on, or null. Refused are absolute and authority form, `#`, a backslash,
 * an encoded or raw NUL, `//`, and dot segments, raw or encoded, also where only a decoded `/` or `\` makes them one.
 */
export function targetFault(target: string): string | null {
  if (!target.startsWith('/')) return 'expected a path that begins with "/"';
  if (target.includes('#')) return 'expected no "#"';
  const path = pathOf(target);
  if (!SUSPECT.test(path)) return null;
  if (path.includes('\\')) return 'expected no backslash';
  if (path.includes('\0') || /%00/.test(path)) return 'expected no NUL';
  if (path.includes('//')) return 'expected no empty segment ("//")';
  for (const segment of path.replace(/%2e/gi, '.').split(/\/|%2f|%5c/i)) {
    // "..;x" is a dot segment to servers that cut parameters off
    const name = segment.split(';', 1)[0];
    if (name === '.' || name === '..') return 'expected no "." or ".." segment';
  }
  return null;
}

export interface UpstreamPath {
  model: ModelId;
  /** As the client wrote it, decoded. */
  name: string;
  /** Raw remainder with its query, beginning with `/`; null when nothing, not even a slash, follows the name. */
  rest: string | null;
}

/**
 * Splits `/upstream/<model>/<path>?<query>`: the model is the longest run of leading segments that `resolve` knows,
 * each percent-decoded once (`org%2Fname` works). Null when no run names a model. Call `targetFault` first.
 */
export function splitUpstreamPath(
  target: string,
  resolve: (name: string) => ModelId | null,
  prefix = '/upstream/',
): UpstreamPath | null {
  if (!target.startsWith(prefix)) return null;
  const path = pathOf(target);
  const query = target.slice(path.length);
  const ends = segmentEnds(path, prefix.length);
  for (let n = ends.length - 1; n >= 0; n--) {
    const end = ends[n]!;
    const name = decoded(path.slice(prefix.length, end));
    const model = name === null || name === '' ? null : resolve(name);
    if (model === null) continue;
    return { model, name: name!, rest: end === path.length ? null : path.slice(end) + query };
  }
  return null;
}

/** Puts a path under the path of the `proxy` URL, with one slash between (spec 3.4). */
export function joinPath(base: string, target: string): string {
  if (base === '' || base === '/') return target;
  return base.endsWith('/') ? base.slice(0, -1) + target : base + target;
}

/** The part before the query. */
export function pathOf(target: string): string {
  const question = target.indexOf('?');
  return question < 0 ? target : target.slice(0, question);
}

function segmentEnds(path: string, from: number): number[] {
  const ends: number[] = [];
  let at = from;
  while (ends.length < NAME_SEGMENTS_MAX) {
    const slash = path.indexOf('/', at);
    ends.push(slash < 0 ? path.length : slash);
    if (slash < 0) break;
    at = slash + 1;
  }
  return ends;
}

/** Null where the percent-encoding is not valid: such a run names no model. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
