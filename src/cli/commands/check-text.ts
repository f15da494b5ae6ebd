/** What `turnout check` prints for people and for GitHub. Must never read a file. */
import type { Diagnostic } from '../../core/config/diagnostics.ts';
import { formatMemory } from '../../core/history/format.ts';
import type { ModelId } from '../../core/ids.ts';
import { table } from '../output.ts';
import type { Eviction, Meaning } from './check-meaning.ts';
import type { Share } from './check-shares.ts';

/** Longer lists of models are cut, the rest is a number; `--json` has them all. */
const NAMES_MAX = 12;

export function meaningText(meaning: Meaning): string {
  const { together, togetherMore, evictions } = meaning;
  if (evictions.length === 0) return 'No models.';
  const sets = together.map((set) => `  ${set.map(shareText).join(' with ')}`);
  if (togetherMore) sets.push('  and more');
  return [
    `Loaded together (${plannerText(meaning)}):`,
    ...sets,
    '',
    'When the others run, a request',
    evictionTable(meaning),
    ...remarks(meaning),
  ].join('\n');
}

function plannerText({ planner, law }: Meaning): string {
  return planner === 'policy' ? `${law} planner, which binds the policy too` : `${law} planner`;
}

/** Columns that would be empty are left out. */
function evictionTable({ law, evictions, protect }: Meaning): string {
  const held = new Set(protect.models);
  const marked = (list: ModelId[]) => names(list.map((id) => (held.has(id) ? `${id} (protected)` : id)));
  const uncertain = evictions.some(({ mayEvict }) => mayEvict.length > 0);
  const rows = evictions.map((row) => [
    `  ${row.model}${demandText(row)}`,
    ...(law === 'budget' ? [row.memory === null ? 'unknown' : formatMemory(row.memory)] : []),
    marked(row.evicts),
    ...(uncertain ? [marked(row.mayEvict)] : []),
    names(row.keeps),
  ]);
  const head = [
    '  for',
    ...(law === 'budget' ? ['takes'] : []),
    'evicts',
    ...(uncertain ? ['may evict'] : []),
    'keeps',
  ];
  return table([head, ...rows]);
}

/** What a request does that does not simply load the model. */
function demandText({ onDemand }: Eviction): string {
  if (onDemand.action !== 'redirect') return onDemand.action === 'load' ? '' : ' (refused unless loaded)';
  const last = onDemand.otherwise === 'load' ? '' : ', else refused';
  return ` (or ${onDemand.to.join(' or ')} if loaded${last})`;
}

function remarks({ law, evictions, protect }: Meaning): string[] {
  const found: string[] = [];
  if (evictions.some(({ mayEvict }) => mayEvict.length > 0)) {
    const which = law === 'budget' ? 'the cheapest of them that make room' : 'those outside the set that costs least';
    found.push(`May evict: ${which}.`);
  }
  const held = new Set(protect.models);
  if (evictions.some(({ evicts, mayEvict }) => [...evicts, ...mayEvict].some((id) => held.has(id)))) {
    const instead = protect.otherwise === 'refuse' ? 'gets 503' : 'waits';
    found.push(`Protected models do not leave: a request that needs their place ${instead}.`);
  }
  return found.length === 0 ? [] : ['', ...found];
}

function shareText({ take, models }: Share): string {
  if (models.length === 1) return names(models);
  return `${typeof take === 'number' ? `any ${take}` : take} of ${names(models)}`;
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
