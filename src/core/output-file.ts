/**
 * Where the output of a run lies, relative to the state directory (kernel section 5).
 * Pure; must never give two models one directory.
 */
import type { ModelId, RunId } from './ids.ts';

/** `logs/<percent-encoded id>/<run>.log`. Dots are encoded too, so that a model called `..` stays inside. */
export function outputFile(model: ModelId, run: RunId): string {
  return `logs/${encodeURIComponent(model.toWellFormed()).replaceAll('.', '%2E')}/${run}.log`;
}

/** Run number of a path that `outputFile` made, else null. */
export function runOfOutputFile(relative: string): number | null {
  const match = /^logs\/[^/]+\/(\d+)\.log$/.exec(relative);
  return match === null ? null : Number(match[1]);
}
