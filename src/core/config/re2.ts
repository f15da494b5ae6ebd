/**
 * Regular expressions as llama-swap has them (RE2) in JavaScript's spelling. What RE2 does not know is refused, so that
 * the same file means the same in both. Must never import anything.
 */

export type Translated = { pattern: RegExp } | { problem: string };

const POSIX_CLASSES: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Pieces whose spelling differs, and escapes so that nothing is found inside them. */
const PIECE =
  /\\Q([\s\S]*?)(?:\\E|$)|\\([pP])(?:([A-Z])|\{([A-Za-z_]+)\})|\\([Az1-9])|\\[\s\S]|\(\?P<|\(\?(?:<?[=!])|\[:(\^?)([a-z]+):\]|\(\?([imsU]+)\)/g;

/** Compiles it, or says why it cannot be. */
export function translateRe2(text: string): Translated {
  let problem: string | null = null;
  let flags = '';
  const source = text.replace(PIECE, (piece, ...groups: (string | number | undefined)[]) => {
    const [quoted, property, letter, group, special, not, posix, inline] = groups.slice(0, 8) as (string | undefined)[];
    const offset = Number(groups[8]);
    if (quoted !== undefined) return quoted.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    // one or two letters are a category, a longer name is a script
    if (property !== undefined) {
      const name = letter ?? group ?? '';
      return `\\${property}{${name.length > 2 ? `Script=${name}` : name}}`;
    }
    if (special === 'A') return '(?<![\\s\\S])';
    if (special === 'z') return '(?![\\s\\S])';
    if (special !== undefined) problem ??= `"${piece}" refers back, which RE2 cannot`;
    if (/^\(\?<?[=!]/.test(piece)) problem ??= `"${piece}" looks around, which RE2 cannot`;
    if (piece === '(?P<') return '(?<';
    if (posix !== undefined) {
      const members = POSIX_CLASSES[posix];
      if (members === undefined || not === '^') problem ??= `"${piece}" is not supported`;
      return members ?? '';
    }
    if (inline !== undefined) {
      if (offset !== 0 || inline.includes('U')) problem ??= `"${piece}" is only supported at the beginning`;
      flags = inline.replace('U', '');
      return '';
    }
    return piece;
  });
  if (problem !== null) return { problem };
  try {
    return { pattern: compile(source, flags) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message.replace(/^.*: /, '') : String(error) };
  }
}

/** `u` is what knows `\p{...}`, but it refuses escapes that RE2 takes, such as `\-`. */
function compile(source: string, flags: string): RegExp {
  return new RegExp(
    source,
    /\\[pP]\{/.test(source) ? `${[...new Set(flags)].join('')}u` : [...new Set(flags)].join(''),
  );
}
