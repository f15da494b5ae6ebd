/**
 * The language of matrix sets (spec 2.7): `a & (b | c) | +other`, where `&` binds tighter than `|`. Text to a tree, or the
 * first thing that is wrong with it and where. Knows no models. Must never import anything but limits.
 */
import { LIMITS } from '../limits.ts';

/** `name` is a model or a var as written; `set` another set. Offsets are those of the text. */
export type Expression = { kind: 'or' | 'and'; parts: Expression[] } | Leaf<'name'> | Leaf<'set'>;

interface Leaf<Kind extends string> {
  kind: Kind;
  name: string;
  start: number;
  end: number;
}

export type Parsed = { expression: Expression } | { problem: string; start: number; end: number };

interface Token {
  kind: 'name' | '|' | '&' | '+' | '(' | ')' | 'end';
  text: string;
  start: number;
  end: number;
}

/** Ends the parsing; never leaves this file. */
class Problem extends Error {
  readonly start: number;
  readonly end: number;

  constructor(message: string, { start, end }: { start: number; end: number }) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

export function parseExpression(text: string): Parsed {
  if (text.length > LIMITS.configExpressionCharsMax) {
    return { problem: `longer than ${LIMITS.configExpressionCharsMax} characters`, start: 0, end: 1 };
  }
  try {
    const tokens = tokensOf(text);
    if (tokens.length === 1) throw new Problem('empty DSL expression', { start: 0, end: text.length });
    const reader = { tokens, next: 0, depth: 0 };
    const expression = readOr(reader);
    const rest = current(reader);
    if (rest.kind !== 'end') throw unexpected(rest);
    return { expression };
  } catch (error) {
    if (error instanceof Problem) return { problem: error.message, start: error.start, end: error.end };
    throw error;
  }
}

/** Every name and set in it, from left to right. */
export function leavesOf(expression: Expression): Extract<Expression, { name: string }>[] {
  return 'name' in expression ? [expression] : expression.parts.flatMap(leavesOf);
}

const WORD = /[\p{L}\p{Nd}_.-]+/uy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    WORD.lastIndex = at;
    const [word] = WORD.exec(text) ?? [];
    if (word !== undefined) {
      tokens.push({ kind: 'name', text: word, start: at, end: at + word.length });
      at += word.length;
    } else if (char === '|' || char === '&' || char === '+' || char === '(' || char === ')') {
      tokens.push({ kind: char, text: char, start: at, end: at + 1 });
      at += 1;
    } else if (/\s/.test(char)) {
      at += 1;
    } else {
      const whole = String.fromCodePoint(text.codePointAt(at) ?? 0);
      throw new Problem(`unexpected character "${whole}"`, { start: at, end: at + whole.length });
    }
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length });
  return tokens;
}

interface Reader {
  tokens: Token[];
  next: number;
  depth: number;
}

function current(reader: Reader): Token {
  const token = reader.tokens[reader.next] ?? reader.tokens.at(-1);
  if (token === undefined) throw new Problem('empty DSL expression', { start: 0, end: 0 });
  return token;
}

function readOr(reader: Reader): Expression {
  return readList(reader, 'or', '|', readAnd);
}

function readAnd(reader: Reader): Expression {
  return readList(reader, 'and', '&', readAtom);
}

function readList(
  reader: Reader,
  kind: 'or' | 'and',
  operator: Token['kind'],
  readPart: (reader: Reader) => Expression,
): Expression {
  const first = readPart(reader);
  const parts = [first];
  while (current(reader).kind === operator) {
    reader.next += 1;
    parts.push(readPart(reader));
  }
  return parts.length === 1 ? first : { kind, parts };
}

function readAtom(reader: Reader): Expression {
  const token = current(reader);
  reader.next += 1;
  if (token.kind === 'name') return { kind: 'name', name: token.text, start: token.start, end: token.end };
  if (token.kind === '+') {
    const name = current(reader);
    if (name.kind !== 'name') throw new Problem("expected set name after '+'", token);
    reader.next += 1;
    return { kind: 'set', name: name.text, start: token.start, end: name.end };
  }
  if (token.kind !== '(') throw unexpected(token);
  reader.depth += 1;
  if (reader.depth > LIMITS.configDepthMax) {
    throw new Problem(`nested deeper than ${LIMITS.configDepthMax} levels`, token);
  }
  const inner = readOr(reader);
  if (current(reader).kind !== ')') {
    // two names side by side are the likelier mistake than a bracket that was forgotten
    throw current(reader).kind === 'end'
      ? new Problem('missing closing parenthesis', token)
      : unexpected(current(reader));
  }
  reader.next += 1;
  reader.depth -= 1;
  return inner;
}

function unexpected(token: Token): Problem {
  if (token.kind === 'end') return new Problem('unexpected end of the expression', token);
  return new Problem(`unexpected token "${token.text}"`, token);
}
