/**
 * Takes the types out of a policy written in TypeScript, leaving every line and column where it was. Runs in the child:
 * node's stripper costs 20 MB and 40 ms the first time, and some inputs break it.
 */
import { stripTypeScriptTypes } from 'node:module';

export type Stripped = { ok: true; source: string } | { ok: false; message: string; stack: string };

/** `name` stands in the place of a fault. */
export function stripTypes(source: string, name: string): Stripped {
  try {
    return { ok: true, source: stripTypeScriptTypes(source, { mode: 'strip', sourceUrl: name }) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message, stack = '' } = error;
    return { ok: false, message: `SyntaxError: ${message}`, stack: placeOf(stack, name) ?? '' };
  }
}

/** Node writes `name:line`, the line and a row of carets above the message. Gives `name:line:column`. */
function placeOf(stack: string, name: string): string | null {
  const lines = stack.split('\n');
  const line = /:(\d+)$/.exec(lines[0] ?? '')?.[1];
  const carets = lines.find((text) => /^\s*\^+\s*$/.test(text));
  if (line === undefined || carets === undefined) return null;
  return `${name}:${line}:${carets.indexOf('^') + 1}`;
}

/** Whether the stripper itself broke, and not the program: its memory is then not to be trusted any more. */
export function strippedBroke(stripped: Stripped): boolean {
  return !stripped.ok && /memory access|unreachable|out of bounds|table index/.test(stripped.message);
}
