/**
 * Prints the tables of a run.
 * Must never round so far that two different figures look alike.
 */
import type { Table } from './scenario.ts';

function cell(value: number | string | null): string {
  if (value === null) return '-';
  if (typeof value === 'string') return value;
  if (Number.isNaN(value)) return '-';
  const digits = Math.abs(value) >= 1_000 ? 0 : Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 10 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function printed(table: Table): string {
  const rows = [['', ...table.columns], ...table.rows.map((row) => [row.name, ...row.values.map(cell)])];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => {
    return row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  ');
  });
  return [table.title, table.note, ...lines].join('\n');
}
