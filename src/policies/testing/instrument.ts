/**
 * A policy's own source with a few words more, for what tests and recordings need and the sandbox has no door for: starting
 * with a given memory, and telling the memory. Every line and column of the source stays where it was. Pure.
 */
import type { Json } from '../../core/config/canonical.ts';
import { BOUNDS } from '../sandbox/bounds.ts';

/** As long as `export default`, so that columns stay. */
const EXPORT = /^export default\b/m;
const NAMED = 'const $policy=';

/** Begins with this memory instead of what `initial` returns; null when the source has no `export default` to hold on to. */
export function startingWith(source: string, state: Json): string | null {
  const memory = JSON.stringify(JSON.stringify(state));
  return around(source, [
    `initial: () => JSON.parse(${memory})`,
    'evolve: $policy.evolve ?? ((state) => state)',
    "events: $policy.events ?? ['router.started']",
  ]);
}

/** Answers `plan` with a `wait`, and writes its memory into its log: read it with `memoryIn`. */
export function tellingMemory(source: string): string | null {
  const size = BOUNDS.policyLogLineCharsMax - 1;
  const tell = `const text = JSON.stringify(view.state ?? null); for (let at = 0; at < text.length; at += ${size}) view.log('=' + text.slice(at, at + ${size}));`;
  return around(source, [`plan: (view) => { ${tell} return { action: 'wait', reason: 'told' }; }`]);
}

/** Undefined when it did not fit into the log. */
export function memoryIn(logs: readonly string[]): Json | undefined {
  try {
    return JSON.parse(logs.map((line) => line.slice(1)).join('')) as Json;
  } catch {
    return undefined;
  }
}

function around(source: string, fields: string[]): string | null {
  if (!EXPORT.test(source)) return null;
  return `${source.replace(EXPORT, NAMED)}\nexport default { ...$policy, ${fields.join(', ')} };\n`;
}
