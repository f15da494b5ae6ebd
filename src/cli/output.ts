/** What commands print, and how they fail. The only place of the command line that writes to the terminal. */

export interface GlobalOptions {
  url?: string;
  stateDir?: string;
  json?: boolean;
  utc?: boolean;
}

/** Waits when the reader is slow, so that a pipe gets everything before the process ends. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

export function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function fail(message: string, exitCode = 1): void {
  warn(`turnout: ${message}`);
  process.exitCode = exitCode;
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(rows: readonly string[][]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [n, cell] of row.entries()) widths[n] = Math.max(widths[n] ?? 0, cell.length);
  const line = (row: string[]) =>
    row.map((cell, n) => (n === row.length - 1 ? cell : cell.padEnd(widths[n] ?? 0))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
