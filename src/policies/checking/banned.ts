/**
 * Finds what a policy uses that the sandbox does not have, before it runs: each use with its place and what to use instead.
 * Reads the text, not its meaning, so a name that the file declares itself is left alone. Must never run anything.
 */
import { REMOVED } from '../sandbox/lockdown.ts';

export interface BannedUse {
  /** As written. */
  what: string;
  instead: string;
  /** From 1. */
  line: number;
  column: number;
}

const TIMER = 'answer { action: "wait", forMs } instead';
const NODE = 'a policy has its view and nothing else';
const NETWORK = 'a policy cannot reach the network';
const MACHINE = 'it depends on the machine; use toFixed(), String(), toLowerCase(), or compare with < and >';

const GLOBALS: Record<string, string> = {
  ...REMOVED.traps,
  ...{ setTimeout: TIMER, setInterval: TIMER, setImmediate: TIMER, queueMicrotask: TIMER },
  ...{ require: NODE, module: NODE, exports: NODE, process: NODE, Buffer: NODE },
  ...{ fetch: NETWORK, XMLHttpRequest: NETWORK, WebSocket: NETWORK },
  ...{
    performance: 'use view.now',
    crypto: 'use view.random()',
    structuredClone: 'use JSON.parse(JSON.stringify(value))',
  },
};
const METHODS = /\.\s*(localeCompare|toLocale(?:Lower|Upper|Date|Time)?(?:String|Case))\b/g;
const USED = new RegExp(`(?<![\\w$.]|\\.\\s)(${Object.keys(GLOBALS).join('|')})(?![\\w$])(?!\\s*:)`, 'g');
const MODULE = 'turnout/policy';

/** In the order of the text. `typed`: it is TypeScript, where a bare name may be a type and is left alone. */
export function bannedUses(source: string, typed: boolean): BannedUse[] {
  const code = withoutTexts(source);
  const found: (BannedUse & { at: number })[] = [];
  const add = (at: number, what: string, instead: string) => found.push({ at, what, instead, ...placeOf(source, at) });
  for (const match of code.matchAll(USED)) {
    const [, name = ''] = match;
    if (typed && !isValue(code, match.index, name)) continue;
    if (!isDeclared(code, name)) add(match.index, name, GLOBALS[name] ?? NODE);
  }
  for (const match of code.matchAll(/(?<![\w$])Math\s*\.\s*random\b/g))
    add(match.index, 'Math.random', 'use view.random()');
  for (const match of code.matchAll(METHODS))
    add(match.index + match[0].length - (match[1] ?? '').length, match[1] ?? '', MACHINE);
  for (const match of code.matchAll(/(?<![\w$.])import\s*\(/g)) add(match.index, 'import()', NODE);
  for (const match of code.matchAll(/(?<![\w$.])(?:import|export)\b[^;()]*?(['"])/g)) {
    const at = match.index + match[0].length;
    const name = source.slice(at, source.indexOf(match[1] as string, at));
    if (/\bfrom\s*['"]$|import\s*['"]$/.test(match[0]) && name !== MODULE) {
      add(at - 1, `import of "${name}"`, `the only module is "${MODULE}"`);
    }
  }
  return found.sort((a, b) => a.at - b.at).map(({ at: _at, ...use }) => use);
}

/** Called, looked into, or made with `new`. */
function isValue(code: string, at: number, name: string): boolean {
  return /^\s*(?:\?\.|[.(]|\[\s*[^\]\s])/.test(code.slice(at + name.length)) || /\bnew\s+$/.test(code.slice(0, at));
}

/** A name of the policy's own: a variable, a function, a parameter. */
function isDeclared(code: string, name: string): boolean {
  const declared = new RegExp(`\\b(?:const|let|var|function|class)\\s+(?:\\{[^}]*|\\[[^\\]]*)?\\b${name}\\b`);
  return declared.test(code) || new RegExp(`[({,]\\s*${name}\\s*(?:[,)}]|=[^=>])|\\b${name}\\s*=>`).test(code);
}

/** The same text with comments and the insides of quotes and patterns blanked out; `${...}` in templates is code. */
export function withoutTexts(source: string): string {
  const out = source.split('');
  const blank = (from: number, to: number) => {
    for (let i = from; i < to && i < out.length; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  /** Braces that are open; a template's `${` is a `$`. */
  const open: string[] = [];
  let at = 0;
  let before = '';
  const template = (from: number): number => {
    let end = from;
    while (end < source.length && source[end] !== '`') {
      if (source[end] === '$' && source[end + 1] === '{') {
        blank(from, end);
        open.push('$');
        return end + 2;
      }
      end += source[end] === '\\' ? 2 : 1;
    }
    blank(from, end);
    return end + 1;
  };
  while (at < source.length) {
    const char = source[at] as string;
    const comment = /\/\/.*|\/\*[\s\S]*?(?:\*\/|$)/y;
    comment.lastIndex = at;
    const text = /(['"])(?:\\[\s\S]|(?!\1)[^\\\n])*\1?/y;
    text.lastIndex = at;
    const pattern = /\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
    pattern.lastIndex = at;
    const found = comment.exec(source) ?? text.exec(source) ?? (mayBePattern(before) ? pattern.exec(source) : null);
    if (found !== null) {
      const isText = char !== '/';
      blank(at + (isText ? 1 : 0), at + found[0].length - (isText ? 1 : 0));
      if (!/^\/[/*]/.test(found[0])) before = ')';
      at += found[0].length;
      continue;
    }
    if (char === '`') at = template(at + 1);
    else if (char === '}' && open.pop() === '$') at = template(at + 1);
    else {
      if (char === '{') open.push('{');
      at++;
    }
    if (/\S/.test(char)) before = /[\w$]/.test(char) ? wordEndingAt(source, at) : char;
  }
  return out.join('');
}

/** Whether a slash after this begins a pattern and does not divide. */
function mayBePattern(before: string): boolean {
  return /^(?:|[(,=:[!&|?{};+\-*%~^<>]|return|typeof|case|in|of)$/.test(before);
}

function wordEndingAt(source: string, end: number): string {
  return /[\w$]+$/.exec(source.slice(Math.max(0, end - 20), end))?.[0] ?? '';
}

function placeOf(source: string, at: number): { line: number; column: number } {
  const lines = source.slice(0, at).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
