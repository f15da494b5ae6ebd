/**
 * Finds known names in free text and puts others in their place: whole words only, the longest name first. Pure; quick for
 * thousands of names, since every sentence of a log goes through it.
 */

/** The text with every known name replaced. */
export type ReplaceNames = (text: string) => string;

const WORD = /[\p{L}\p{N}_]/u;
/** Names are looked up by so many of their first characters. */
const KEY_CHARS = 3;
/** Of a word that was cut off: shorter beginnings fit too many names. */
const CUT_CHARS_MIN = 3;
/** Sentences repeat; so many are kept. */
const KEPT = 10_000;

export function createReplaceNames(names: ReadonlyMap<string, string>): ReplaceNames {
  const byStart = new Map<string, string[]>();
  for (const name of names.keys()) {
    if (name === '') continue;
    const start = name.slice(0, KEY_CHARS);
    byStart.set(start, [...(byStart.get(start) ?? []), name]);
  }
  for (const list of byStart.values()) list.sort((a, b) => b.length - a.length);
  const known = new Map<string, string>();

  function replace(text: string): string {
    let done = '';
    for (let at = 0; at < text.length; ) {
      const name = beginsWord(text, at) ? nameAt(text, at) : null;
      done += name === null ? text[at] : names.get(name);
      at += name === null ? 1 : name.length;
    }
    return withoutCutNames(done);
  }

  function nameAt(text: string, at: number): string | null {
    for (let chars = KEY_CHARS; chars > 0; chars--) {
      const fits = byStart
        .get(text.slice(at, at + chars))
        ?.find((name) => text.startsWith(name, at) && endsWord(text, at + name.length));
      if (fits !== undefined) return fits;
    }
    return null;
  }

  /** Long reasons are cut off, perhaps within a name. */
  function withoutCutNames(text: string): string {
    if (!text.includes('…')) return text;
    return text.replace(/[^\s"'(),;]+(?=…)/gu, (cut) => {
      if (cut.length < CUT_CHARS_MIN) return cut;
      for (const name of byStart.get(cut.slice(0, KEY_CHARS)) ?? []) {
        if (name.startsWith(cut)) return names.get(name) ?? '';
      }
      return cut;
    });
  }

  return (text) => {
    if (byStart.size === 0 || text === '') return text;
    const found = known.get(text);
    if (found !== undefined) return found;
    const replaced = replace(text);
    if (known.size >= KEPT) known.clear();
    known.set(text, replaced);
    return replaced;
  };
}

const isWord = (char: string | undefined): boolean => char !== undefined && WORD.test(char);

const beginsWord = (text: string, at: number): boolean => !isWord(text[at - 1]) || !isWord(text[at]);

const endsWord = (text: string, at: number): boolean => !isWord(text[at]) || !isWord(text[at - 1]);
