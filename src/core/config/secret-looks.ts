/**
 * What looks like a secret in a command line or a URL, even if nobody said so. Works on the text as it is written, not on
 * split arguments, so that a command inside the quotes of another one is covered too.
 * Must never import anything but types.
 */
import type { Hide } from './secrets.ts';

const SECRET_WORDS = new Set([
  'apikey',
  'apikeys',
  'apitoken',
  'auth',
  'authorization',
  'authtoken',
  'bearer',
  'cookie',
  'credential',
  'credentials',
  'hft', // llama-server's short form of --hf-token
  'key',
  'keys',
  'pass',
  'passphrase',
  'passwd',
  'password',
  'pat',
  'pwd',
  'secret',
  'secrets',
  'token',
  'userpass',
]);

/** `--ssl-key-file`, `--cache-key-type` and the like say where or what sort, not which. */
const HARMLESS_ENDS = new Set(['file', 'path', 'dir', 'type', 'len', 'length', 'size', 'id', 'ids', 'name', 'count']);

/** Tokens of a vocabulary (`add_bos_token`) are no secrets. */
const VOCABULARY_WORDS = new Set(['bos', 'eos', 'eot', 'pad', 'unk', 'tokenizer']);

/** Whether a flag, variable, header or query parameter of this name holds a secret. */
export function soundsSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  if (HARMLESS_ENDS.has(words.at(-1) ?? '')) return false;
  return words.some((word) => SECRET_WORDS.has(word)) && !words.some((word) => VOCABULARY_WORDS.has(word));
}

// each pattern begins where a word begins, so that a long word is looked at once and not once per character
const USERINFO = /(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*:\/\/)([^\s/@"']+)(?=@)/g;
const TOKEN =
  /(?<![A-Za-z0-9])(?:sk-[\w-]{6,}|hf_\w{6,}|gh[opsur]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{10,}|gsk_\w{16,}|nvapi-[\w-]{10,}|xox[abeprs]-[\w-]{8,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/g;

/** `--name value`, also across a continued line, and `--name=value`. */
const FLAG = /(?<=^|[\s"'=])--?([A-Za-z][\w.-]*)["']?(?:=|(?:\s|\\\r?\n)+(?!-))/g;
/** `NAME=value` of an environment, a query or an option. */
const ASSIGNMENT = /(?<![\w-])([A-Za-z_][\w.-]*)=/g;
/** `Name: value` of a header or of JSON. */
const HEADER = /(?<![\w-])([A-Za-z_][\w-]*)\\?["']?\s*:(?!\/\/)\s*\\?["']?/g;

/** Where a value that begins at `from` ends; `limit` is the end of the quotes that it stands in. */
type ValueEnd = (text: string, from: number, limit: number) => number;

export function hideByLooks(text: string, hide: Hide): string {
  let result = hideTokens(text, hide);
  result = hideAfter(result, HEADER, lineEnd, hide);
  result = hideAfter(result, FLAG, flagEnd, hide);
  return hideAfter(result, ASSIGNMENT, (all, from, limit) => wordEnd(all, from, limit, '&'), hide);
}

/** Only what is a secret by itself, wherever it stands: tokens of known makers and userinfo in URLs. */
export function hideTokens(text: string, hide: Hide): string {
  return text
    .replace(USERINFO, (_all, scheme: string, userinfo: string) => scheme + hide(userinfo))
    .replace(TOKEN, (token) => hide(token));
}

/** Hides the value behind each `name` that sounds secret; looks inside the values of all others. */
function hideAfter(text: string, name: RegExp, valueEnd: ValueEnd, hide: Hide): string {
  const limitAt = quoteLimits(text);
  let result = '';
  let done = 0;
  name.lastIndex = 0;
  for (let match = name.exec(text); match !== null; match = name.exec(text)) {
    const from = name.lastIndex;
    const to = soundsSecret(match[1] ?? '') ? valueEnd(text, from, limitAt(from)) : from;
    if (to === from) continue;
    result += text.slice(done, from) + hide(text.slice(from, to));
    done = to;
    name.lastIndex = to;
  }
  return result + text.slice(done);
}

/** Up to the next quote or the end of the line. */
function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !'"\'\r\n'.includes(text.charAt(at))) at += 1;
  return at;
}

/** A word; a comma behind it belongs to the sentence around the command. */
function flagEnd(text: string, from: number, limit: number): number {
  const end = wordEnd(text, from, limit, '');
  return end - from > 1 && text.charAt(end - 1) === ',' && !isQuote(text.charAt(from)) ? end - 1 : end;
}

/** One word of a command line: quoted parts, escapes and plain characters run together. */
function wordEnd(text: string, from: number, limit: number, stops: string): number {
  let at = from;
  while (at < limit) {
    const char = text.charAt(at);
    const escapedQuote = char === '\\' && isQuote(text.charAt(at + 1));
    if (escapedQuote || isQuote(char)) {
      // escaped quotes are those of a command inside the quotes of another
      const quote = escapedQuote ? text.slice(at, at + 2) : char;
      const close = escapedQuote ? text.indexOf(quote, at + 2) : closingQuote(text, at);
      if (close === -1 || close >= limit) return limit;
      at = close + quote.length;
    } else if (char === '\\') at += 2;
    else if (/\s/.test(char) || stops.includes(char)) return at;
    else at += 1;
  }
  return limit;
}

/** For growing offsets: where the quotes around the offset are closed, or the end of the text. */
function quoteLimits(text: string): (offset: number) => number {
  let at = 0;
  let close = 0;
  return (offset) => {
    while (at < offset) {
      const char = text.charAt(at);
      if (char === '\\') at += 2;
      else if (isQuote(char)) {
        close = closingQuote(text, at);
        if (close === -1) close = text.length;
        at = close + 1;
      } else at += 1;
    }
    return offset <= close ? close : text.length;
  };
}

function isQuote(char: string): boolean {
  return char === '"' || char === "'";
}

/** -1 when it is not closed. */
function closingQuote(text: string, open: number): number {
  const quote = text.charAt(open);
  if (quote === "'") return text.indexOf(quote, open + 1);
  for (let at = open + 1; at < text.length; at += 1) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === quote) return at;
  }
  return -1;
}
