/** One problem of a configuration, with its place and its remedy (design section 8). */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** Stable code, e.g. `unknown-key`. */
  code: string;
  message: string;
  file: string;
  /** 1-based; 0 when the problem has no place in the text. */
  line: number;
  column: number;
  /** Number of characters that the place covers. */
  length: number;
  /** The line of the source, without its newline; empty when there is none. */
  source: string;
  /** What to do, e.g. `did you mean "concurrencyLimit"?`. */
  help: string | null;
}
