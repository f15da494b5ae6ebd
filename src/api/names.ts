/**
 * Names of models as clients write them: resolved, decoded from paths, and the nearest known ones for those who mistyped.
 * Must never decide anything about a model but which one is meant.
 */
import type { Config } from '../core/config/config.ts';
import { didYouMean } from '../core/config/nearest.ts';
import { TurnoutError } from '../core/errors.ts';
import type { ModelId } from '../core/ids.ts';
import { printable } from './guard.ts';

/** The model of an id or alias, or null (spec 2.5). */
export function resolveName(config: Config, name: string): ModelId | null {
  return config.names.get(name) ?? null;
}

/** `; did you mean "qwen"?`, or an empty string when nothing known is near. Unlisted models are not given away. */
export function nearestHelp(config: Config, name: string): string {
  const listed = [...config.names].filter(([, id]) => config.models.get(id)?.unlisted !== true).map(([known]) => known);
  const help = didYouMean(name, listed);
  return help === null ? '' : `; ${help}`;
}

/** The rest of a raw path as a name: `org%2Fmodel` and `org/model` are the same. */
export function nameInPath(rawPath: string, prefix: string): string {
  const raw = rawPath.slice(prefix.length);
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw new TurnoutError('bad-request', `decode "${printable(raw)}" in the path: malformed percent-encoding`, {
      cause,
    });
  }
}
