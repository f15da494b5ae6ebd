/**
 * Turns what went wrong in a policy into something its author can act on: the place in the file as it was written, the
 * lines around it with a caret, and what to use instead. Must never trust a place that the sandbox names: it is only shown.
 */
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { BOUNDS } from './bounds.ts';
import type { ChildFault } from './messages.ts';
import type { FaultKind, PolicyFault } from './types.ts';

type Program = { file: string; source: string };

/** Of a very long line so much is shown, and so much of it before the place. */
const EXCERPT_CHARS = 160;
const EXCERPT_BEFORE = 120;

/** What to do about messages that V8 words without knowing where it runs. */
const REMEDIES: [RegExp, string][] = [
  [
    /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask) is not defined/,
    'answer { action: "wait", forMs } instead',
  ],
  [/\b(?:performance) is not defined/, 'use view.now'],
  [/\b(?:crypto) is not defined/, 'use view.random()'],
  [/\b(?:require|module|exports|process|Buffer) is not defined/, 'a policy has its view and nothing else'],
  [/\b(?:fetch|XMLHttpRequest|WebSocket) is not defined/, 'a policy cannot reach the network'],
  [
    /read only property '(?!prepareStackTrace|stackTraceLimit)|object is not extensible|Cannot delete property/,
    'the view cannot be changed; copy it first',
  ],
];

/** The fault of a program that did something wrong. */
export function guiltyFault(program: Program, during: PolicyFault['during'], told: ChildFault): PolicyFault {
  const name = basename(program.file);
  const place = placeIn(told, name, program.source, during);
  const remedy = REMEDIES.find(([pattern]) => pattern.test(told.message))?.[1];
  const said = plain(told.message.replace(` [${name}:${place?.line}:${place?.column}]`, ''));
  return {
    ...blank(program, during, told.kind, remedy === undefined ? said : `${said} (${remedy})`),
    line: place?.line ?? null,
    column: place?.column ?? null,
    excerpt: place === null ? null : excerptOf(program.source, place),
    guilty: true,
  };
}

/** A fault of the host, or one that another program caused. */
export function innocentFault(
  program: Program,
  during: PolicyFault['during'],
  kind: FaultKind,
  why: string,
): PolicyFault {
  return { ...blank(program, during, kind, why), guilty: false };
}

/** The text without what a terminal would obey. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it takes them out
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');
}

function blank({ file }: Program, during: PolicyFault['during'], kind: FaultKind, message: string): PolicyFault {
  return { kind, during, message, file, line: null, column: null, excerpt: null, guilty: true, problems: [] };
}

interface Place {
  line: number;
  column: number;
}

function placeIn(told: ChildFault, name: string, source: string, during: PolicyFault['during']): Place | null {
  const lines = source.split('\n');
  for (const match of told.stack.matchAll(/([^\s()[\]]+):(\d+):(\d+)/g)) {
    const place = { line: Number(match[2]), column: Number(match[3]) };
    if (match[1] === name && lines[place.line - 1] !== undefined) return place;
  }
  const specifier = /^SyntaxError: import of (".*?") is not/.exec(told.message)?.[1];
  if (specifier !== undefined) return placeOfImport(lines, JSON.parse(specifier) as string);
  if (told.kind === 'shape' && during === 'load') return placeOf(lines, /\bexport\s+default\b/);
  return null;
}

function placeOf(lines: string[], pattern: RegExp): Place | null {
  const line = lines.findIndex((text) => pattern.test(text));
  return line < 0 ? null : { line: line + 1, column: (pattern.exec(lines[line] as string)?.index ?? 0) + 1 };
}

function placeOfImport(lines: string[], specifier: string): Place | null {
  const line = lines.findIndex((text) => text.includes(`'${specifier}'`) || text.includes(`"${specifier}"`));
  return line < 0 ? null : { line: line + 1, column: (lines[line] as string).indexOf(specifier) };
}

/** The line with the one before and the one after it; of very long ones the part that matters. */
function excerptOf(source: string, { line, column }: Place): string {
  const lines = source.split('\n');
  const from = Math.max(0, column - 1 - EXCERPT_BEFORE);
  const width = String(line + 1).length;
  const shown: string[] = [];
  for (let at = Math.max(1, line - 1); at <= Math.min(lines.length, line + 1); at++) {
    const text = plain(lines[at - 1] as string).slice(from, from + EXCERPT_CHARS);
    shown.push(`${String(at).padStart(width)} | ${text}`.trimEnd());
    if (at === line) shown.push(`${' '.repeat(width)} | ${' '.repeat(column - 1 - from)}^`);
  }
  return shown.join('\n');
}

/** The last words of a child, cut to what a message may hold. */
export function lastWords(stderr: string): string {
  const words = plain(stderr)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return (words.find((line) => /error|refuses/i.test(line)) ?? words.at(-1) ?? '')
    .trim()
    .slice(0, BOUNDS.policyMessageCharsMax);
}
