/** What `turnout check` prints for people and for GitHub. Must never read a file. */
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { table } from '../output.ts';
import type { Meaning, Share } from './check-meaning.ts';

/** Longer lists of models are cut, the rest is a number; `--json` has them all. */
const NAMES_MAX = 12;

export function meaningText({ planner, together, togetherMore, evictions }: Meaning): string {
  if (evictions.length === 0) return 'No models.';
  const sets = together.map((set) => `  ${set.map(shareText).join(' with ')}`);
  if (togetherMore) sets.push('  and more');
  const rows = evictions.map(({ model, evicts, keeps }) => [`  ${model}`, names(evicts), names(keeps)]);
  return [
    `Loaded together (${planner} planner):`,
    ...sets,
    '',
    'When the others run, a request',
    table([['  for', 'evicts', 'keeps'], ...rows]),
  ].join('\n');
}

function shareText({ take, models }: Share): string {
  if (models.length === 1) return names(models);
  return take === 'one' ? `one of ${names(models)}` : `all of ${names(models)}`;
}

function names(list: readonly string[]): string {
  if (list.length === 0) return '-';
  const shown = list.slice(0, NAMES_MAX).join(', ');
  return list.length > NAMES_MAX ? `${shown} and ${list.length - NAMES_MAX} more` : shown;
}

/** Workflow commands, one line each, which GitHub shows at the line of the file. */
export function githubText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ severity, code, message, help, file, line, column, length }) => {
      const at = line === 0 ? [] : [`line=${line}`, `col=${column}`, `endColumn=${column + length}`];
      const properties = [...(file === '' ? [] : [`file=${property(file)}`]), ...at, `title=${property(code)}`];
      return `::${severity} ${properties.join(',')}::${data(help === null ? message : `${message} (${help})`)}`;
    })
    .join('\n');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

export function countText(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
}
