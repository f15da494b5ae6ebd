/**
 * Numbers as llama-swap's YAML package reads them where YAML 1.2 sees something else: `32_768`, `0b11`, `017`. Only for
 * text without quotes. Must never import anything.
 */

const WHOLE = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([0-9]+))$/;
const DECIMAL = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** Null for what is no number. */
export function numberOf(text: string): number | null {
  // an underscore may stand anywhere behind the beginning
  const plain = /^[-+0-9]/.test(text) ? text.replaceAll('_', '') : text;
  const whole = WHOLE.exec(plain);
  if (whole !== null) {
    const [, sign = '', hex, binary, octal, decimal = ''] = whole;
    const digits: [string, number] =
      hex !== undefined
        ? [hex, 16]
        : binary !== undefined
          ? [binary, 2]
          : octal !== undefined
            ? [octal, 8]
            : [decimal, 10];
    const size = Number.parseInt(...digits);
    return sign === '-' && size !== 0 ? -size : size;
  }
  return DECIMAL.test(plain) ? Number(plain) : null;
}
