/**
 * Splits a command line into words, exactly as spec 5.2 says: no shell, no variables, no globs. Windows has rules of its
 * own for quotes and backslashes, because `C:\models\x.gguf` has to survive there.
 * Must never expand or interpret anything beyond quotes, backslashes and comment lines.
 */
import { TurnoutError } from '../../errors.ts';

/** Characters that a backslash escapes between double quotes; before any other the backslash stays. */
const ESCAPED_IN_QUOTES = new Set(['$', '`', '"', '\\']);
const SEPARATORS = new Set([' ', '\t', '\n']);
/** A file that was edited on Windows may have its lines end with CR LF. */
const WINDOWS_SEPARATORS = new Set([' ', '\t', '\r', '\n']);

/**
 * The words of a command, by the rules of the platform on which it is started.
 * @throws TurnoutError `start-failed` when there is no word in it.
 */
export function parseCommand(text: string, platform: NodeJS.Platform = process.platform): string[] {
  const words = platform === 'win32' ? splitWindows(joinLines(text)) : splitPosix(joinLines(text));
  if (words.length === 0) throw new TurnoutError('start-failed', 'unable to get sanitized command: empty command');
  return words;
}

/** What stands for the process id in a `cmdStop`; literal text, not a template. */
export const PID_PLACEHOLDER = '${PID}';

/** Puts the process id where `cmdStop` says `${PID}` (spec 5.6). */
export function replacePid(text: string, pid: number): string {
  return text.replaceAll(PID_PLACEHOLDER, String(pid));
}

/** Drops comment lines and the backslash of lines that continue; a continuation separates words like a newline does. */
function joinLines(text: string): string {
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed.startsWith('#')) continue;
    kept.push(trimmed.endsWith('\\') ? `${trimmed.slice(0, -1)} ` : line);
  }
  return kept.join('\n');
}

function splitPosix(text: string): string[] {
  const words: string[] = [];
  // null = between words; '' = inside one that is empty so far, which `""` makes possible
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (quote === null) {
      if (SEPARATORS.has(char)) {
        if (word !== null) words.push(word);
        word = null;
      } else if (char === '"' || char === "'") {
        quote = char;
        word ??= '';
      } else if (char === '\\') {
        i += 1;
        word = (word ?? '') + unescaped(text.charAt(i));
      } else {
        word = (word ?? '') + char;
      }
    } else if (char === quote) {
      quote = null;
    } else if (quote === '"' && char === '\\' && (ESCAPED_IN_QUOTES.has(text.charAt(i + 1)) || atNewline(text, i))) {
      i += 1;
      word = (word ?? '') + unescaped(text.charAt(i));
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/**
 * What Microsoft's C runtime does: only `"` quotes, and backslashes are themselves unless a `"` follows them, when each
 * pair is one backslash and an odd one makes the `"` a character. `""` inside quotes is one too.
 */
function splitWindows(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quoted = false;
  for (let i = 0; i < text.length; ) {
    const char = text.charAt(i);
    if (char === '\\') {
      const count = backslashesAt(text, i);
      const beforeQuote = text.charAt(i + count) === '"';
      const literal = beforeQuote && count % 2 === 1;
      word = (word ?? '') + '\\'.repeat(beforeQuote ? count >> 1 : count) + (literal ? '"' : '');
      i += literal ? count + 1 : count;
    } else if (char === '"') {
      const literal = quoted && text.charAt(i + 1) === '"';
      word = (word ?? '') + (literal ? '"' : '');
      if (!literal) quoted = !quoted;
      i += literal ? 2 : 1;
    } else if (!quoted && WINDOWS_SEPARATORS.has(char)) {
      if (word !== null) words.push(word);
      word = null;
      i += 1;
    } else {
      word = (word ?? '') + char;
      i += 1;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function backslashesAt(text: string, start: number): number {
  let end = start;
  while (text.charAt(end) === '\\') end += 1;
  return end - start;
}

const atNewline = (text: string, backslash: number): boolean => text.charAt(backslash + 1) === '\n';

/** A backslash before a newline removes both. */
const unescaped = (char: string): string => (char === '\n' ? '' : char);
