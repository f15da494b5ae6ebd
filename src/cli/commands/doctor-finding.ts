/** One line of `turnout doctor`. */
export interface Finding {
  level: 'ok' | 'warn' | 'fail';
  /** What was looked at. */
  what: string;
  found: string;
  /** What to do; null when nothing has to be done. */
  remedy: string | null;
}

export const ok = (what: string, found: string): Finding => ({ level: 'ok', what, found, remedy: null });
export const warned = (what: string, found: string, remedy: string): Finding => ({
  level: 'warn',
  what,
  found,
  remedy,
});
export const failed = (what: string, found: string, remedy: string): Finding => ({
  level: 'fail',
  what,
  found,
  remedy,
});

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
