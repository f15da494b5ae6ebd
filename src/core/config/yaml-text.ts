/**
 * One YAML text to one YAML node, within bounds. The parts of the yaml package are run by hand because `parseDocument`
 * has no bound: nesting overflows its stack after a while, and a megabyte of short lines takes seconds.
 * Must never resolve an alias: that is from-yaml.ts, which shares instead of copying.
 */
import { Composer, type CST, type Document, Lexer, type Node, type ParsedNode, Parser } from 'yaml';
import { LIMITS } from '../limits.ts';
import { type Budget, spend } from './budget.ts';
import type { Substituted } from './env.ts';
import type { Report } from './report.ts';
import type { Place, SourceText } from './source.ts';

/** More problems of one text than this are consequences of the first. */
const SYNTAX_ERRORS_MAX = 10;

/** Null for an empty text, `failed` after an error, which is reported. `budget` is shared by all texts of one load. */
export function parseYaml(
  source: SourceText,
  substituted: Substituted,
  budget: Budget,
  report: Report,
): Node | null | 'failed' {
  const place = (from: number, to: number): Place => ({
    source,
    start: substituted.origin(from, 'start'),
    end: Math.max(substituted.origin(to, 'end'), substituted.origin(from, 'start') + 1),
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: YAML allows no control characters but tab and newlines
  const binary = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/.exec(substituted.text);
  if (binary !== null) {
    const code = (binary[0].codePointAt(0) ?? 0).toString(16).padStart(4, '0');
    const at = place(binary.index, binary.index + 1);
    report.error('yaml-syntax', at, `invalid YAML: the control character U+${code.toUpperCase()} is not allowed`);
    return 'failed';
  }
  const tokens = tokensOf(substituted.text, budget, (offset) => {
    const message = `nested deeper than ${LIMITS.configDepthMax} levels`;
    report.error('too-deep', place(offset, offset + 1), message);
  });
  if (tokens === null) return 'failed';
  const document = composeFirst(tokens, substituted.text.length);
  if (document === null) return null;
  for (const problem of document.errors.slice(0, SYNTAX_ERRORS_MAX)) {
    report.error('yaml-syntax', place(...problem.pos), `invalid YAML: ${sentence(problem.message)}`);
  }
  if (document.errors.length > 0) return 'failed';
  for (const problem of document.warnings.slice(0, SYNTAX_ERRORS_MAX)) {
    report.warning('yaml-tag', place(...problem.pos), sentence(problem.message));
  }
  const second = tokens.filter((token) => token.type === 'document')[1];
  if (second !== undefined) {
    const message = 'only the first YAML document of a file is read';
    report.warning('yaml-documents', place(second.offset, second.offset + 3), message);
  }
  return document.contents;
}

/** Null when the text is too deep (told to `onDeep`) or the budget ran out. */
function tokensOf(text: string, budget: Budget, onDeep: (offset: number) => void): CST.Token[] | null {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    if (!spend(budget, 'tokens', 1)) return null;
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > LIMITS.configDepthMax) {
      onDeep(parser.offset - lexeme.length);
      return null;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

/** Everything up to the second document or one error too many; the rest is not looked at. */
function composeFirst(tokens: CST.Token[], length: number): Document.Parsed<ParsedNode> | null {
  // duplicate keys are found by from-yaml.ts: the package compares each key with all others
  const composer = new Composer({ uniqueKeys: false, resolveKnownTags: false, merge: false });
  let documents = 0;
  let errors = 0;
  const first = tokens.filter((token) => {
    if (token.type === 'document') documents += 1;
    if (token.type === 'error') errors += 1;
    return documents <= 1 && errors <= SYNTAX_ERRORS_MAX;
  });
  for (const document of composer.compose(first, true, length)) return document as Document.Parsed<ParsedNode>;
  return null;
}

/** The package's messages begin with a capital. */
function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
