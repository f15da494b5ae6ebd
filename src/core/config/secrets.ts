/**
 * What is secret in a configuration, and how it is hidden from texts: by value (keys, environment, what came out of
 * `${env.X}`) and by looks (`--api-key X`, `Authorization: ...`, `sk-...`, userinfo in URLs). Used for what is written to
 * the log and for diagnostics. Hiding too much is fine, too little is not.
 */
import { hideByLooks, soundsSecret } from './secret-looks.ts';
import { type MapNode, nodeAt, type TreeNode } from './tree.ts';

export const REDACTED = '[REDACTED]';

/** What to put in the place of a hidden value. */
export type Hide = (secret: string) => string;

export const redact: Hide = () => REDACTED;

/** Keeps the length, so that columns and carets stay right. */
export const cover: Hide = (secret) => '*'.repeat(secret.length);

/** Shorter values are hidden only where they stand alone: `8` must not turn every 8 into a secret. */
const ANYWHERE_CHARS_MIN = 5;

/** Values of the environment that are shorter than this say nothing, unless their name sounds secret. */
const ENV_VALUE_CHARS_MIN = 8;

export interface Secrets {
  /** Values that are hidden wherever they occur, by their first characters, longest first. */
  byStart: Map<string, string[]>;
  /** Values that are hidden only as a whole word. */
  words: Set<string>;
}

export function secretsOf(values: Iterable<string>): Secrets {
  const secrets: Secrets = { byStart: new Map(), words: new Set() };
  for (const value of new Set(values)) {
    if (value === '' || value === REDACTED) continue;
    if (value.length < ANYWHERE_CHARS_MIN) {
      secrets.words.add(value);
      continue;
    }
    for (const spelling of new Set([value, encodeURIComponent(value.toWellFormed())])) {
      const start = spelling.slice(0, ANYWHERE_CHARS_MIN);
      const others = secrets.byStart.get(start) ?? [];
      others.push(spelling);
      secrets.byStart.set(start, others);
    }
  }
  for (const others of secrets.byStart.values()) others.sort((a, b) => b.length - a.length);
  return secrets;
}

/** The text without secrets, those that are known and those that look like one. */
export function hideSecrets(text: string, secrets: Secrets, hide: Hide): string {
  return hideByLooks(hideByValue(text, secrets, hide), hide);
}

/** One pass over the text, however many secrets there are. */
export function hideByValue(text: string, secrets: Secrets, hide: Hide): string {
  let result = '';
  let done = 0;
  let at = 0;
  if (secrets.byStart.size > 0) {
    while (at + ANYWHERE_CHARS_MIN <= text.length) {
      const found = secrets.byStart.get(text.slice(at, at + ANYWHERE_CHARS_MIN))?.find((v) => text.startsWith(v, at));
      if (found === undefined) {
        at += 1;
        continue;
      }
      result += text.slice(done, at) + hide(found);
      at += found.length;
      done = at;
    }
  }
  result += text.slice(done);
  if (secrets.words.size === 0) return result;
  if (secrets.words.has(result)) return hide(result);
  return result.replace(/[^\s"'=:,;/@?&()[\]{}]+/g, (word) => (secrets.words.has(word) ? hide(word) : word));
}

/** Every value of a configuration that must not be shown. `fromEnv` came out of `${env.X}`, `macros` out of macros. */
export function collectSecrets(root: MapNode, fromEnv: Iterable<string>, macros: [string, string][]): string[] {
  const values = [...fromEnv, ...textsOf(nodeAt(root, ['apiKeys']))];
  for (const [name, value] of macros) if (soundsSecret(name)) values.push(value);
  for (const model of childrenOf(nodeAt(root, ['models']))) {
    for (const entry of textsOf(nodeAt(model, ['env']))) {
      const equals = entry.indexOf('=');
      const value = entry.slice(equals + 1);
      if (value.length >= ENV_VALUE_CHARS_MIN || (equals > 0 && soundsSecret(entry.slice(0, equals))))
        values.push(value);
    }
  }
  for (const peer of childrenOf(nodeAt(root, ['peers']))) values.push(...textsOf(nodeAt(peer, ['apiKey'])));
  return values;
}

function childrenOf(node: TreeNode | undefined): TreeNode[] {
  return node?.kind === 'map' ? [...node.entries.values()].map((entry) => entry.value) : [];
}

/** The texts of a list, or of a single value in its place. */
function textsOf(node: TreeNode | undefined): string[] {
  const items = node?.kind === 'list' ? node.items : node === undefined ? [] : [node];
  return items.filter((item) => item.kind === 'scalar').map((item) => item.text);
}
