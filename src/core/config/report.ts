/**
 * Collects what is wrong with a configuration, so that all problems are told in one go. Keeps places as offsets and help
 * unmade until the end: only then the secrets are known that must not be shown, and a hostile file may have a hundred
 * thousand problems of which a few are shown.
 */
import { LIMITS } from '../limits.ts';
import type { Diagnostic } from './diagnostics.ts';
import { type Place, spotOf } from './source.ts';

export type Severity = Diagnostic['severity'];

/** What to do about a problem; a function is called only if it is shown. */
export type Help = string | null | (() => string | null);

/** Hides secrets, in a sentence of turnout's and in a line of the file; what is hidden keeps its length. */
export interface Mask {
  sentence(text: string): string;
  source(text: string): string;
}

interface Entry {
  severity: Severity;
  code: string;
  at: Place | null;
  file: string;
  message: string;
  help: Help;
  /** It explains whatever else is wrong at its place. */
  cause: boolean;
}

export interface Report {
  error(code: string, at: Place, message: string, help?: Help): void;
  warning(code: string, at: Place, message: string, help?: Help): void;
  /** An error from which others follow: what else touches its place is not told. */
  cause(code: string, at: Place, message: string): void;
  /** A problem of a whole file, or of none (`""`). */
  fileError(code: string, file: string, message: string, help?: Help): void;
  hasErrors(): boolean;
  /** In the order of the sources, then of the places. */
  list(severity: Severity, mask: Mask): Diagnostic[];
}

export function createReport(): Report {
  const entries: Entry[] = [];
  const seen = new Set<string>();
  let errors = 0;

  const add = (entry: Entry): void => {
    // one place in the text can be used by many models through an anchor
    const key = `${entry.code}\0${entry.file}\0${entry.at?.start}\0${entry.message}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (entry.severity === 'error') errors += 1;
    entries.push(entry);
  };
  const at = (severity: Severity, code: string, place: Place, message: string, help: Help, cause: boolean): void =>
    add({ severity, code, at: place, file: place.source.file, message, help, cause });

  return {
    error: (code, place, message, help = null) => at('error', code, place, message, help, false),
    warning: (code, place, message, help = null) => at('warning', code, place, message, help, false),
    cause: (code, place, message) => at('error', code, place, message, null, true),
    fileError: (code, file, message, help = null) =>
      add({ severity: 'error', code, at: null, file, message, help, cause: false }),
    hasErrors: () => errors > 0,
    list: (severity, mask) => {
      const found = sorted(withoutConsequences(entries)).filter((entry) => entry.severity === severity);
      const shown = found
        .slice(0, LIMITS.configDiagnosticsMax)
        .map((entry, i) => diagnosticOf(entry, mask, i < LIMITS.configHelpsMax));
      const left = found.length - shown.length;
      const last = shown.at(-1);
      if (left > 0 && last !== undefined) {
        const message = `${left} more ${severity}${left === 1 ? '' : 's'} not shown`;
        shown.push({ ...last, code: 'too-many', message, line: 0, column: 0, length: 0, source: '', help: null });
      }
      return shown;
    },
  };
}

/** Drops what touches the place of a cause. */
function withoutConsequences(entries: Entry[]): Entry[] {
  const causes = new Map<string, { start: number; end: number }[]>();
  for (const { cause, at, file } of entries) {
    if (!cause || at === null) continue;
    const places = causes.get(file) ?? [];
    places.push(at);
    causes.set(file, places);
  }
  if (causes.size === 0) return entries;
  for (const places of causes.values()) places.sort((a, b) => a.start - b.start);
  return entries.filter(({ cause, at, file }) => cause || at === null || !touches(causes.get(file) ?? [], at));
}

/** `places` are sorted and do not overlap each other. */
function touches(places: { start: number; end: number }[], at: Place): boolean {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.end ?? 0) <= at.start) low = middle + 1;
    else high = middle;
  }
  const next = places[low];
  return next !== undefined && next.start < Math.max(at.end, at.start + 1);
}

function sorted(entries: Entry[]): Entry[] {
  const files = [...new Set(entries.map((entry) => entry.file))];
  const order = new Map(files.map((file, i) => [file, i]));
  return entries.toSorted(
    (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || (a.at?.start ?? -1) - (b.at?.start ?? -1),
  );
}

function diagnosticOf(entry: Entry, mask: Mask, withHelp: boolean): Diagnostic {
  const { severity, code, file } = entry;
  const message = mask.sentence(entry.message);
  const found = typeof entry.help === 'function' ? (withHelp ? entry.help() : null) : entry.help;
  const help = found === null ? null : mask.sentence(found);
  if (entry.at === null) return { severity, code, message, file, line: 0, column: 0, length: 0, source: '', help };
  const { line, column, length, text } = spotOf(entry.at);
  return { severity, code, message, file, line, column, length, source: mask.source(text), help };
}
