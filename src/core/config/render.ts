/**
 * Diagnostics for a terminal, in the one shape that turnout uses everywhere. What comes out of a file is shown without
 * control characters, so that a configuration cannot steer the terminal.
 */
import { styleText } from 'node:util';
import type { Diagnostic } from './diagnostics.ts';

/** A longer line is shown as the stretch around the problem. */
const SOURCE_CHARS_MAX = 160;
const BEFORE_CHARS = 60;

/** One block per diagnostic, an empty line between them, no newline at the end. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: { colour?: boolean } = {}): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    options.colour === true ? styleText(format, text, { validateStream: false }) : text;
  return diagnostics.map((diagnostic) => renderOne(diagnostic, paint)).join('\n\n');
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

function renderOne(diagnostic: Diagnostic, paint: Paint): string {
  const { severity, code, line, column } = diagnostic;
  const colour = severity === 'error' ? 'red' : 'yellow';
  const head = `${paint(['bold', colour], `${severity}[${code}]`)}: ${printable(diagnostic.message)}`;
  const help = diagnostic.help === null ? '' : printable(diagnostic.help);
  if (line === 0) {
    const where = diagnostic.file === '' ? [] : [`${paint('cyan', '  -->')} ${printable(diagnostic.file)}`];
    return [head, ...where, ...(help === '' ? [] : [`   = ${help}`])].join('\n');
  }
  const number = String(line);
  const blank = ' '.repeat(number.length);
  const { text, from, length } = excerpt(diagnostic);
  const bar = paint('cyan', '|');
  const marks = `${spaces(text.slice(0, from))}${paint(colour, '^'.repeat(length))}`;
  return [
    head,
    ` ${blank}${paint('cyan', '-->')} ${printable(diagnostic.file)}:${line}:${column}`,
    ` ${paint('cyan', number)} ${bar} ${printable(text)}`.trimEnd(),
    ` ${blank} ${bar} ${marks}${help === '' ? '' : ` ${help}`}`,
  ].join('\n');
}

/** The part of the line to show, and where in it the problem stands. */
function excerpt({ source, column, length }: Diagnostic): { text: string; from: number; length: number } {
  const start = column - 1;
  if (source.length <= SOURCE_CHARS_MAX) return { text: source, from: start, length };
  const cut = Math.max(0, Math.min(start - BEFORE_CHARS, source.length - SOURCE_CHARS_MAX));
  const left = cut > 0 ? '…' : '';
  const right = cut + SOURCE_CHARS_MAX < source.length ? '…' : '';
  const text = left + source.slice(cut, cut + SOURCE_CHARS_MAX) + right;
  const from = start - cut + left.length;
  return { text, from, length: Math.max(1, Math.min(length, text.length - from)) };
}

/** As wide as the text: tabs stay tabs, so that the marks stand under what they mean. */
function spaces(text: string): string {
  return text.replace(/[^\t]/g, ' ');
}

function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
  return text.replace(/[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g, '\uFFFD');
}
