/**
 * Says where a text stops being JSON and what was expected there. The engine's own message quotes pieces of the body,
 * which may be a prompt, and often gives no place; this one gives line, column and offset and at most one character.
 * Must never quote more of a body than that, and never recurse (a body may be nested 100,000 deep).
 */
import { TurnoutError } from '../../core/errors.ts';
import { startOf } from './scan-json.ts';

export interface JsonFault {
  /** Byte offset, 0-based. */
  offset: number;
  /** 1-based, in bytes since the last newline. */
  line: number;
  column: number;
  expected: string;
  got: string;
}

type Want = 'value' | 'value-or-]' | 'key-or-}' | 'key' | 'colon' | 'comma' | 'end';

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const OPEN: Record<string, { close: string; want: Want }> = {
  '{': { close: '}', want: 'key-or-}' },
  '[': { close: ']', want: 'value-or-]' },
};

/** The error for a body that cannot be parsed; its message names the place and never quotes the body. */
export function notJson(body: Buffer, cause?: unknown): TurnoutError {
  const found = findJsonFault(body);
  const where =
    found === null
      ? 'the text is JSON, but cannot be held in memory'
      : `line ${found.line}, column ${found.column} (offset ${found.offset}): expected ${found.expected}, got ${found.got}`;
  return new TurnoutError(
    'bad-request',
    `parse the request body as JSON: ${where}`,
    found === null ? { cause } : undefined,
  );
}

/** Null when the bytes are JSON. */
export function findJsonFault(body: Buffer): JsonFault | null {
  const text = body.toString('latin1');
  const closers: string[] = [];
  let want: Want = 'value';
  let at = startOf(body);
  for (;;) {
    while (at < text.length && ' \n\r\t'.includes(text[at]!)) at++;
    const char = text[at] ?? '';
    const close = closers.at(-1) ?? '';
    const closes = char !== '' && char === close && (want === 'comma' || want.endsWith(close));
    if (closes) {
      closers.pop();
      at++;
      want = closers.length === 0 ? 'end' : 'comma';
    } else if (want === 'end') {
      return char === '' ? null : fault(text, at, 'the end of the body');
    } else if (want === 'comma') {
      if (char !== ',') return fault(text, at, `"," or "${close}"`);
      at++;
      want = close === '}' ? 'key' : 'value';
    } else if (want === 'colon') {
      if (char !== ':') return fault(text, at, '":"');
      at++;
      want = 'value';
    } else if (want === 'key' || want === 'key-or-}') {
      if (char !== '"') return fault(text, at, want === 'key' ? 'a key in quotes' : 'a key in quotes or "}"');
      const string = readString(text, at);
      if (!string.ok) return fault(text, string.at, string.expected);
      at = string.at;
      want = 'colon';
    } else {
      const open = OPEN[char];
      if (open !== undefined) {
        closers.push(open.close);
        at++;
        want = open.want;
        continue;
      }
      if (char === '"') {
        const string = readString(text, at);
        if (!string.ok) return fault(text, string.at, string.expected);
        at = string.at;
      } else {
        const end = endOf(NUMBER, text, at) ?? endOf(LITERAL, text, at);
        if (end === null) return fault(text, at, want === 'value' ? 'a value' : 'a value or "]"');
        at = end;
      }
      want = closers.length === 0 ? 'end' : 'comma';
    }
  }
}

function readString(
  text: string,
  quote: number,
): { ok: true; at: number } | { ok: false; at: number; expected: string } {
  for (let at = quote + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return { ok: true, at: at + 1 };
    if (code < 0x20) return { ok: false, at, expected: 'a closing quote or an escaped control character' };
    if (code !== 0x5c) continue;
    at++;
    if (text[at] === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) {
        return { ok: false, at: at + 1, expected: 'four hexadecimal digits' };
      }
      at += 4;
    } else if (at >= text.length || !'"\\/bfnrt'.includes(text[at]!)) {
      return { ok: false, at, expected: 'an escape sequence' };
    }
  }
  return { ok: false, at: text.length, expected: 'a closing quote' };
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

function fault(text: string, offset: number, expected: string): JsonFault {
  const before = text.slice(0, offset);
  const char = text[offset];
  const printable = char !== undefined && char > ' ' && char < '\x7f';
  const byte = char === undefined ? '' : `byte 0x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return {
    offset,
    line: before.split('\n').length,
    column: offset - before.lastIndexOf('\n'),
    expected,
    got: char === undefined ? 'the end of the body' : printable ? `"${char}"` : byte,
  };
}
