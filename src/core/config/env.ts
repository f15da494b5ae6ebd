/**
 * `${env.NAME}`: replaced in the raw text, before it is YAML, so that it works inside flow lists and keys too (spec 2.3).
 * References that stand only in a YAML comment are left alone. Knows which places it changed, so that later problems are
 * shown where the user wrote the reference and not its value.
 */
import { Lexer } from 'yaml';
import type { Report } from './report.ts';
import type { SourceText } from './source.ts';

export type Environment = Record<string, string | undefined>;

export interface Substituted {
  text: string;
  /** Turns an offset of `text` into one of the source: of the reference's start, or its end for `side: 'end'`. */
  origin(offset: number, side: 'start' | 'end'): number;
  /** Every value that was put in, in each spelling that may turn up. */
  values: string[];
}

interface Edit {
  from: number;
  to: number;
  /** Where the value stands in the new text. */
  newFrom: number;
  newTo: number;
}

const REFERENCE = /\$\{env\.([a-zA-Z_][a-zA-Z0-9_]*)\}/g;
const SCALAR_FOLLOWS = '\x1f';

/** Stands in for a value that is missing, so that the rest can still be checked. Fits anywhere in YAML. */
const PLACEHOLDER = 'unset';

/** Problems are reported at the reference: unset, or a value with a newline, carriage return or NUL. */
export function substituteEnv(source: SourceText, env: Environment, report: Report): Substituted {
  const matches = [...source.text.matchAll(REFERENCE)];
  if (matches.length === 0) return { text: source.text, origin: (offset) => offset, values: [] };
  const inComment = commentTest(source.text);
  const edits: Edit[] = [];
  const values: string[] = [];
  let text = '';
  let done = 0;
  for (const match of matches) {
    const from = match.index;
    const to = from + match[0].length;
    if (inComment(from)) continue;
    const value = lookUp(match[1] ?? '', env, 1);
    if ('problem' in value) {
      report.cause('env', { source, start: from, end: to }, value.problem);
    } else {
      values.push(value.text, escaped(value.text));
    }
    text += source.text.slice(done, from);
    const newFrom = text.length;
    text += 'problem' in value ? PLACEHOLDER : escaped(value.text);
    edits.push({ from, to, newFrom, newTo: text.length });
    done = to;
  }
  text += source.text.slice(done);
  return { text, origin: (offset, side) => originOf(edits, offset, side), values };
}

/** A value may itself hold references, which are replaced once more and then no further. */
function lookUp(name: string, env: Environment, again: number): { text: string } | { problem: string } {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined) return { problem: `environment variable '${name}' is not set` };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what is looked for
  if (/[\n\r\u0000]/.test(value)) {
    return { problem: `environment variable '${name}' holds a newline, carriage return or NUL` };
  }
  if (again === 0) return { text: value };
  let problem: string | null = null;
  const text = value.replace(REFERENCE, (reference: string, inner: string) => {
    const result = lookUp(inner, env, again - 1);
    if ('text' in result) return result.text;
    problem ??= `${result.problem} (it is used by '${name}')`;
    return reference;
  });
  return problem === null ? { text } : { problem };
}

/** Right inside double quotes; a literal backslash elsewhere, as llama-swap has it. */
function escaped(value: string): string {
  return value.replace(/[\\"]/g, '\\$&');
}

function originOf(edits: Edit[], offset: number, side: 'start' | 'end'): number {
  let low = 0;
  let high = edits.length;
  // the first edit that ends behind the offset
  while (low < high) {
    const middle = (low + high) >> 1;
    const edit = edits[middle];
    if (edit !== undefined && (side === 'start' ? edit.newTo <= offset : edit.newTo < offset)) low = middle + 1;
    else high = middle;
  }
  const edit = edits[low];
  if (edit !== undefined && (side === 'start' ? offset >= edit.newFrom : offset > edit.newFrom)) {
    return side === 'start' ? edit.from : edit.to;
  }
  const before = edits[low - 1];
  return before === undefined ? offset : offset - before.newTo + before.to;
}

/** Tells whether an offset lies in a YAML comment; asked with growing offsets only. */
function commentTest(text: string): (offset: number) => boolean {
  const comments: { from: number; to: number }[] = [];
  let offset = 0;
  let last = '';
  for (const lexeme of new Lexer().lex(text)) {
    if (!isControl(lexeme)) {
      if (lexeme.startsWith('#') && last !== SCALAR_FOLLOWS)
        comments.push({ from: offset, to: offset + lexeme.length });
      offset += lexeme.length;
    }
    last = lexeme;
  }
  let next = 0;
  return (at) => {
    while (next < comments.length && (comments[next]?.to ?? 0) <= at) next += 1;
    const comment = comments[next];
    return comment !== undefined && comment.from <= at;
  };
}

/** Lexemes that stand for no text: document start, flow error and scalar marks. */
function isControl(lexeme: string): boolean {
  return lexeme === '\x02' || lexeme === '\x18' || lexeme === SCALAR_FOLLOWS;
}
